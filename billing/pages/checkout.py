"""Pages of subscribing: to Stripe's Checkout and back."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager, require_member
from billing.models import Plan
from billing.pages.frame import account_of
from billing.plans.versions import PlanNotPublished
from billing.public_words import public_words
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.catching_up import finish_checkout
from billing.subscriptions.checkout import AlreadySubscribed, OrganizationClosed, start_checkout
from billing.subscriptions.company import AddressNeeded

logger = logging.getLogger(__name__)


@require_POST
@member_page
def subscribe(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Send the customer to Stripe's page for the plan they chose."""
    require_manager(membership)
    offered = Plan.objects.on_sale(organization_id=membership.organization_id).paid()
    plan = get_object_or_404(offered, code=request.POST.get("plan", ""))
    try:
        url = start_checkout(account=account_of(membership), plan=plan)
    except (AlreadySubscribed, OrganizationClosed) as error:
        messages.info(request, str(error))
    except AddressNeeded as error:
        messages.info(request, str(error))
        return redirect("company")
    except (PlanNotPublished, StripeUnavailable, StripeRejected) as error:
        logger.error("a checkout could not be opened", extra={"plan": plan.code, "error": str(error)})
        messages.error(request, public_words(error))
    else:
        return HttpResponseRedirect(url, status=303)
    return redirect("billing")


@require_safe
@member_page
def checkout_return(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Activate the plan just paid for, without waiting for the webhook, and go on to the billing page."""
    require_member(membership)
    account = account_of(membership)
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
        messages.success(request, f"Welcome to {account_of(membership).plan}. Your plan is active.")
    else:
        messages.info(request, "Thank you. Your plan will be active within a minute.")
    return redirect("billing")


@require_safe
@member_page
def checkout_canceled(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Take back a customer who left Stripe's page without paying."""
    messages.info(request, "Checkout was canceled. Nothing was charged.")
    return redirect("pricing")
