"""The billing page and the page of one invoice."""

from contextlib import suppress

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.looking import is_looking
from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from billing.bills.current import current_bill
from billing.bills.forecast import forecast_of
from billing.bills.invoice_pages import invoice_page, page_number
from billing.bills.invoices import InvoiceNotFound, invoice_of, unpaid_notice
from billing.caps.caps import cap_balance, set_cap
from billing.caps.meter import cap_meter
from billing.caps.thresholds import percents_of, set_percents
from billing.credits.credit_notes import notes_of
from billing.credits.refunds import refunds_of
from billing.models import BillingAccount
from billing.pages.cap_form import SpendingCapForm
from billing.pages.credits import credits_view
from billing.pages.frame import account_with_bill, frame_of, page_frame
from billing.pages.price_table import PlanOnSale, plans_on_sale
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.cards import card_of
from billing.subscriptions.catching_up import look_for_payment
from billing.subscriptions.company import company_of
from billing.subscriptions.planned_switches import planned_switch_of


@require_safe
@member_page
def billing(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the plan, the bill so far, the spending cap, the plans to subscribe to, and the invoices, a page of them.

    Where a payment is awaited, Stripe is asked first, unless it does not answer. Staff who only look see what is kept.
    """
    account = account_with_bill(membership)
    with suppress(StripeUnavailable, StripeRejected):
        if not is_looking(membership) and look_for_payment(account):
            account = account_with_bill(membership)
    return _billing_page(request, membership, account)


@require_POST
@member_page
def change_cap(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Set the organization's spending cap and its alert thresholds."""
    require_manager(membership)
    form = SpendingCapForm(request.POST)
    if not form.is_valid():
        return _billing_page(request, membership, account_with_bill(membership), form=form)
    set_cap(organization_id=membership.organization_id, cap_minor=form.cap_minor)
    set_percents(organization_id=membership.organization_id, percents=form.cleaned_data["percents"])
    messages.success(request, "The spending cap is saved. It holds from now on.")
    return redirect("billing")


def _billing_page(
    request: HttpRequest, membership: Membership, account: BillingAccount, *, form: SpendingCapForm | None = None
) -> HttpResponse:
    invoices = invoice_page(customer_id=account.stripe_customer_id, number=page_number(request.GET.get("page")))
    context = frame_of(account, membership, open_invoices=invoices.open_ones)
    now, percents = context["now"], percents_of(account.organization)
    bill = current_bill(account=account, now=now)
    context |= {
        "cap": cap_meter(cap_balance(account=account, now=now)) if account.cap_minor is not None else None,
        "alert_percents": percents,
        "cap_form": form or SpendingCapForm.showing(cap_minor=account.cap_minor, percents=percents),
        "bill": bill,
        "forecast": forecast_of(bill, account=account, now=now),
        "plans": [] if account.stripe_subscription_id else _plans_to_subscribe_to(account),
        "may_subscribe": not account.stripe_subscription_id and membership.may_manage,
        "credits": credits_view(account, membership, grants=bill.grants),
        "company": company_of(account),
        "card": card_of(account, now=now),
        "subscribed": bool(account.stripe_subscription_id),
        "planned": planned_switch_of(account),
        "page": invoices,
        "unpaid": unpaid_notice(invoices.open_ones),
    }
    return render(request, "billing/billing.html", context, status=422 if form else 200)


def _plans_to_subscribe_to(account: BillingAccount) -> list[PlanOnSale]:
    return plans_on_sale(organization_id=account.organization_id, paid=True)


@require_safe
@member_page
def invoice(request: HttpRequest, membership: Membership, *, invoice_id: str) -> HttpResponse:
    """Show one invoice, line by line."""
    account, context = page_frame(membership)
    try:
        context["invoice"] = invoice_of(customer_id=account.stripe_customer_id, invoice_id=invoice_id)
    except InvoiceNotFound as error:
        raise Http404 from error
    context["notes"] = notes_of(organization_id=account.organization_id, invoice_id=invoice_id)
    context["refunds"] = refunds_of(organization_id=account.organization_id, invoice_id=invoice_id)
    return render(request, "billing/invoice.html", context)
