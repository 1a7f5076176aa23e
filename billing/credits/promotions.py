"""Promotion codes: made by an operator, redeemed by customers on their billing page or at Stripe's checkout."""

import re

from billing.credits.making import Making
from billing.credits.terms import discounts_of, refresh_terms
from billing.models import BillingAccount, Promotion
from billing.stripe_billing import promotions as stripe_promotions
from billing.stripe_billing.client import StripeRejected

State = Promotion.State
MOST_DISCOUNTS = 5
CODE = re.compile(r"[A-Za-z0-9-]{1,50}")


class CodeNotRedeemable(Exception):
    """The promotion code cannot be redeemed. The message is for the customer."""


def _make(promotion: Promotion) -> None:
    stripe_id = stripe_promotions.create_promotion(
        identifier=promotion.identifier,
        code=promotion.code,
        name=promotion.code,
        percent_off=promotion.percent_off,
        amount_off_minor=promotion.amount_off_minor,
        currency=promotion.currency,
        duration=promotion.duration,
        months=promotion.months,
        max_redemptions=promotion.max_redemptions,
        expires_at=promotion.expires_at,
        first_time_only=promotion.first_time_only,
    )
    Promotion.objects.filter(id=promotion.id, state=State.PENDING).update(
        state=State.ACTIVE, stripe_id=stripe_id, last_error=""
    )


PROMOTIONS = Making(model=Promotion, make=_make)


def set_redeemable(promotion: Promotion, *, redeemable: bool) -> bool:
    """Let a code be redeemed, or not. Returns False where nothing changes. Raises StripeUnavailable, StripeRejected."""
    before, after = (State.INACTIVE, State.ACTIVE) if redeemable else (State.ACTIVE, State.INACTIVE)
    if promotion.state != before:
        return False
    stripe_promotions.set_redeemable(stripe_id=promotion.stripe_id, redeemable=redeemable)
    return bool(Promotion.objects.filter(id=promotion.id, state=before).update(state=after))


def redeem_code(*, account: BillingAccount, code: str) -> str:
    """Redeem a code for an account's subscription; return the name of the discount.

    Raises CodeNotRedeemable, StripeUnavailable.
    """
    if not account.stripe_subscription_id:
        raise CodeNotRedeemable("Codes are redeemed with a subscription: enter it on Stripe's page when you subscribe.")
    code = code.strip()
    known = CODE.fullmatch(code) and stripe_promotions.find_code(code=code, customer_id=account.stripe_customer_id)
    if not known:
        raise CodeNotRedeemable("There is no such code, or it is over.")
    refresh_terms(account)
    kept = [each.id for each in discounts_of(account)]
    if len(kept) >= MOST_DISCOUNTS:
        raise CodeNotRedeemable(f"A subscription has {MOST_DISCOUNTS} discounts at most.")
    try:
        stripe_promotions.redeem(subscription_id=account.stripe_subscription_id, promotion_id=known, kept=kept)
    except StripeRejected as error:
        raise CodeNotRedeemable(str(error)) from error
    refresh_terms(account)
    return next((each.label for each in discounts_of(account) if each.id not in kept), "the discount")
