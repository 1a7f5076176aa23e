"""Promotion codes that an operator makes. Customers redeem them on their billing page or at Stripe's checkout."""

from billing.credits.making import Making
from billing.models import Promotion
from billing.stripe_billing import promotions as stripe_promotions

State = Promotion.State


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
