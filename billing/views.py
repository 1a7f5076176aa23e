"""Pages of billing: overview, the current bill, subscribing, invoices."""

import logging
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership
from accounts.portal_access import member_page, require_manager
from billing import clock
from billing.bills.current import current_bill
from billing.bills.invoices import InvoiceNotFound, invoice_of, invoices_of
from billing.cap_form import SpendingCapForm
from billing.caps.caps import cap_standing, set_cap
from billing.caps.meter import cap_meter
from billing.caps.thresholds import percents_of, set_percents
from billing.caps.use import cap_notice
from billing.models import BillingAccount, Plan
from billing.onboarding import first_steps
from billing.plans.price_lists import price_list
from billing.pricing import plans_on_sale
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.catching_up import finish_checkout
from billing.subscriptions.checkout import AlreadySubscribed, PlanNotPublished, start_checkout
from billing.subscriptions.standing import standing_of
from billing.usage.totals import newest_requests, period_usage

logger = logging.getLogger(__name__)


@require_safe
@member_page
def overview(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show where the organization stands: plan, usage, what it will be charged, and what to do next."""
    account, context = _standing(membership)
    steps = first_steps(membership=membership, account=account)
    context |= {
        "bill": current_bill(account=account, now=context["now"]),
        "usage": period_usage(organization_id=account.organization_id, period=account.period),
        "requests": newest_requests(organization_id=account.organization_id),
        "steps": steps if not all(step.done for step in steps) else [],
        "steps_done": sum(step.done for step in steps),
        "quickstart_model": next(iter(price_list(plan_id=account.plan_id, priced_at=account.priced_at).models), ""),
    }
    return render(request, "billing/overview.html", context)


@require_safe
@member_page
def billing(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the plan, the bill so far, the spending cap, the plans to subscribe to, and the invoices."""
    return _billing_page(request, membership)


@require_POST
@member_page
def change_cap(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Set the organization's spending cap, and when to be told that it is about to be used up."""
    require_manager(membership)
    form = SpendingCapForm(request.POST)
    if not form.is_valid():
        return _billing_page(request, membership, form=form, status=422)
    set_cap(organization_id=membership.organization_id, cap_minor=form.cap_minor)
    set_percents(organization_id=membership.organization_id, percents=form.cleaned_data["percents"])
    messages.success(request, "The spending cap is saved. It holds from now on.")
    return redirect("billing")


def _billing_page(
    request: HttpRequest, membership: Membership, *, form: SpendingCapForm | None = None, status: int = 200
) -> HttpResponse:
    account, context = _standing(membership)
    percents = percents_of(organization_id=account.organization_id)
    context |= {
        "cap": cap_meter(cap_standing(account=account, now=context["now"])) if account.cap_minor is not None else None,
        "alert_percents": percents,
        "cap_form": form or SpendingCapForm.showing(cap_minor=account.cap_minor, percents=percents),
        "bill": current_bill(account=account, now=context["now"]),
        "plans": [] if account.stripe_subscription_id else [plan for plan in plans_on_sale() if not plan.is_trial],
        "may_subscribe": not account.stripe_subscription_id and membership.may_manage,
        "invoices": invoices_of(customer_id=account.stripe_customer_id),
    }
    return render(request, "billing/billing.html", context, status=status)


@require_safe
@member_page
def invoice(request: HttpRequest, membership: Membership, *, invoice_id: str) -> HttpResponse:
    """Show one invoice, line by line."""
    account, context = _standing(membership)
    try:
        context["invoice"] = invoice_of(customer_id=account.stripe_customer_id, invoice_id=invoice_id)
    except InvoiceNotFound as error:
        raise Http404 from error
    return render(request, "billing/invoice.html", context)


@require_POST
@member_page
def subscribe(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Send the customer to Stripe's page for the plan they chose."""
    require_manager(membership)
    plan = get_object_or_404(Plan.objects.filter(is_active=True, is_trial=False), code=request.POST.get("plan", ""))
    try:
        url = start_checkout(account=_account_of(membership), plan=plan)
    except AlreadySubscribed as error:
        messages.info(request, str(error))
    except PlanNotPublished as error:
        logger.error("a plan on sale cannot be bought", extra={"plan": plan.code, "error": str(error)})
        messages.error(request, "This plan cannot be bought yet. Its operator has been told: try again later.")
    except StripeUnavailable as error:
        logger.warning("Stripe is unavailable", extra={"error": str(error)})
        messages.error(
            request, "Our payment provider does not answer right now. Nothing was charged: try again in a minute."
        )
    except StripeRejected as error:
        logger.error("Stripe refused a checkout", extra={"plan": plan.code, "error": str(error)})
        messages.error(
            request, "Our payment provider refused this checkout. Nothing was charged, and we are looking into it."
        )
    else:
        return HttpResponseRedirect(url, status=303)
    return redirect("billing")


@require_safe
@member_page
def checkout_return(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Activate the plan just paid for, without waiting for the webhook, and go on to the billing page."""
    account = _account_of(membership)
    try:
        activated = finish_checkout(account=account, session_id=request.GET.get("session_id", ""))
    except StripeUnavailable:
        activated = False
    except StripeRejected:
        messages.error(
            request, "This checkout is unknown. If you have just paid, your plan will be active within a minute."
        )
        return redirect("billing")
    if activated:
        messages.success(request, f"Welcome to {_account_of(membership).plan}. Your plan is active.")
    else:
        messages.info(request, "Thank you. Your plan will be active within a minute.")
    return redirect("billing")


@require_safe
@member_page
def checkout_canceled(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Take back a customer who left Stripe's page without paying."""
    messages.info(request, "Checkout was canceled. Nothing was charged.")
    return redirect("pricing")


def _standing(membership: Membership) -> tuple[BillingAccount, dict[str, Any]]:
    """Return the organization's account, in its present period, and what every page of billing shows."""
    account, now = _account_of(membership), clock.now()
    standing = standing_of(account=account, now=now)  # enters the present period
    return account, {"membership": membership, "now": now, "standing": standing, "cap_notice": cap_notice(account)}


def _account_of(membership: Membership) -> BillingAccount:
    return BillingAccount.objects.select_related("plan", "organization").get(organization_id=membership.organization_id)
