"""The part of the billing page about credits and promotion codes."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from billing.credits.redeeming import CodeNotRedeemable, redeem_code
from billing.models import BillingAccount, CreditGrant
from billing.money import format_cents
from billing.pages.frame import account_of
from billing.public_words import public_words
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from common import clock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """A credit grant as the page shows it."""

    left: str
    amount: str
    reason: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsView:
    """The credits of an organization. `balance` is empty where there are none."""

    balance: str
    grants: tuple[GrantView, ...]
    may_redeem: bool


def credits_view(account: BillingAccount, membership: Membership, *, grants: Iterable[CreditGrant]) -> CreditsView:
    """Return what the billing page shows of an account's credits, of which `grants` are left."""
    shown = tuple(
        GrantView(
            left=format_cents(grant.left_minor),
            amount=format_cents(grant.amount_minor),
            reason=grant.reason,
            expires_at=grant.expires_at,
        )
        for grant in grants
    )
    return CreditsView(
        balance=format_cents(account.credit_minor) if account.credit_minor else "",
        grants=shown,
        may_redeem=membership.may_manage and bool(account.stripe_subscription_id),
    )


@require_POST
@member_page
def redeem(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Redeem a promotion code for the organization's subscription."""
    require_manager(membership)
    try:
        name = redeem_code(account=account_of(membership), code=request.POST.get("code", ""), now=clock.now())
    except CodeNotRedeemable as error:
        messages.error(request, str(error))
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("a promotion code could not be redeemed", extra={"error": str(error)})
        messages.error(request, public_words(error))
    else:
        messages.success(request, f"Redeemed: {name}.")
    return redirect("billing")
