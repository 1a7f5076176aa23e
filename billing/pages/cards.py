"""Pages of paying: Stripe's page for another card, the way back, and paying what is owed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager, require_member
from billing.bills.owed import owed_by
from billing.models import BillingAccount
from billing.pages.frame import account_of
from billing.pages.telling import told
from billing.subscriptions.cards import find_card, finish_card_change, pay_what_is_owed, start_card_change
from common import clock

SEE_OTHER = 303


@require_POST
@member_page
def change_card(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Send the customer to Stripe's page for a card."""
    require_manager(membership)
    return _to_card_page(request, account_of(membership))


@require_safe
@member_page
def card_return(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Pay with the card just saved from now on, and what is owed at once."""
    require_member(membership)
    require_manager(membership)
    account = account_of(membership)
    with told(request, declined="Enter another card: it is charged at once."):
        if not finish_card_change(account=account, session_id=request.GET.get("session_id", "")):
            messages.info(request, "No card was saved: nothing has changed.")
            return redirect("billing")
        messages.success(request, "The card is saved. It pays from now on.")
        if owed_by(account):
            return _pay(request, account)
    return redirect("billing")


@require_POST
@member_page
def pay(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Pay what is owed with the card on file, or lead to Stripe's page for one.

    Where the bank wants the customer to confirm, lead to Stripe's page of that invoice.
    """
    require_manager(membership)
    account = account_of(membership)
    with told(request, declined="Enter another card: it is charged at once."):
        if find_card(account, now=clock.now()) is None:
            return _to_card_page(request, account)
        return _pay(request, account)
    return redirect("billing")


def _pay(request: HttpRequest, account: BillingAccount) -> HttpResponse:
    payment = pay_what_is_owed(account=account)
    if payment.confirm_url:
        return HttpResponseRedirect(payment.confirm_url, status=SEE_OTHER)
    messages.success(request, "Paid, thank you.")
    return redirect("billing")


def _to_card_page(request: HttpRequest, account: BillingAccount) -> HttpResponse:
    with told(request):
        return HttpResponseRedirect(start_card_change(account=account), status=SEE_OTHER)
    return redirect("billing")
