"""Redeeming promotion codes on the billing page: each code once an organization, one at a time, and no guessing."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.counts import count_today
from billing.credits.terms import ToldDiscount, mark_stale, promotion_ids_in, readable_discounts, refresh_terms
from billing.models import BillingAccount, Redemption
from billing.stripe_billing import promotions as stripe_promotions
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

State = Redemption.State
MOST_DISCOUNTS = 5
# A code may be short, and Stripe tells for each whether it is one.
TRIES_A_DAY = 20
CODE = re.compile(r"[A-Za-z0-9-]{1,50}")
# By then the process that was redeeming has died.
LASTS_AT_MOST = timedelta(minutes=5)


class CodeNotRedeemable(Exception):
    """The promotion code cannot be redeemed. The message is for the customer."""


def redeem_code(*, account: BillingAccount, code: str, now: datetime) -> str:
    """Redeem a code for an account's subscription; return the name of the discount. `now` is billing time.

    Raises CodeNotRedeemable, StripeUnavailable, StripeRejected: then nothing was redeemed, or the next try finds out.
    """
    if not account.stripe_subscription_id:
        raise CodeNotRedeemable("Codes are redeemed with a subscription: enter it on Stripe's page when you subscribe.")
    if count_today(f"promotion codes:{account.organization_id}", now=now) > TRIES_A_DAY:
        raise CodeNotRedeemable(f"Your organization has tried {TRIES_A_DAY} codes today. Try again tomorrow.")
    found = _find(account, code.strip())
    _find_out(account)
    with _redeeming(account, promotion_id=found.stripe_id):
        before = _redeem(account, promotion_id=found.stripe_id)
    return _name_of_new(account, before=before)


def _find(account: BillingAccount, code: str) -> stripe_promotions.FoundCode:
    known = stripe_promotions.find_code(code=code, customer_id=account.stripe_customer_id) if _is_code(code) else None
    if known is None:
        raise CodeNotRedeemable("There is no such code, or it is over.")
    if known.currency not in ("", account.plan.currency):
        raise CodeNotRedeemable(
            f"This code is for {known.currency.upper()}, and your plan is billed in {account.plan.currency.upper()}."
        )
    return known


def _is_code(text: str) -> bool:
    return bool(CODE.fullmatch(text))


def _find_out(account: BillingAccount) -> None:
    """Ask Stripe for the outcome of a redemption that broke off. Raises StripeUnavailable, StripeRejected."""
    unclear = Redemption.objects.filter(
        organization_id=account.organization_id, state=State.BEGUN, begun_at__lte=timezone.now() - LASTS_AT_MOST
    )
    if unclear.exists():
        redeemed = promotion_ids_in(refresh_terms(account))
        unclear.filter(stripe_promotion_id__in=redeemed).update(state=State.REDEEMED)
        unclear.delete()


@contextmanager
def _redeeming(account: BillingAccount, *, promotion_id: str) -> Iterator[None]:
    """Let the block redeem a code, alone. Raises CodeNotRedeemable where it was, or while another one is."""
    row = _begin(account, promotion_id=promotion_id)
    begun = Redemption.objects.filter(id=row.id)
    try:
        yield
    except (CodeNotRedeemable, StripeRejected):
        begun.delete()
        raise
    except BaseException:  # Stripe may have redeemed it all the same: the next try finds out
        begun.update(begun_at=timezone.now() - LASTS_AT_MOST)
        raise
    begun.update(state=State.REDEEMED)


def _begin(account: BillingAccount, *, promotion_id: str) -> Redemption:
    of_account = {"organization_id": account.organization_id, "stripe_promotion_id": promotion_id}
    try:
        with transaction.atomic():
            return Redemption.objects.create(**of_account)
    except IntegrityError as error:
        if Redemption.objects.filter(**of_account, state=State.REDEEMED).exists():
            raise CodeNotRedeemable("Your organization has redeemed this code already.") from error
        raise CodeNotRedeemable("Another code is being redeemed just now. Try again in a minute.") from error


def _redeem(account: BillingAccount, *, promotion_id: str) -> list[str]:
    """Redeem a code at Stripe as the last thing that is done; return the ids of the discounts that there were before.

    Raises CodeNotRedeemable, StripeUnavailable, StripeRejected.
    """
    discounts = refresh_terms(account)
    kept = [each["id"] for each in discounts]
    if promotion_id in promotion_ids_in(discounts):
        raise CodeNotRedeemable("Your organization has redeemed this code already.")
    if len(kept) >= MOST_DISCOUNTS:
        raise CodeNotRedeemable(f"A subscription has {MOST_DISCOUNTS} discounts at most.")
    mark_stale(organization_id=account.organization_id)
    try:
        stripe_promotions.redeem(subscription_id=account.stripe_subscription_id, promotion_id=promotion_id, kept=kept)
    except StripeRejected as error:
        raise CodeNotRedeemable(str(error)) from error
    return kept


def _name_of_new(account: BillingAccount, *, before: Sequence[str]) -> str:
    """Bring the terms up to date, and return the name of the discount that was not there `before`.

    Where Stripe does not tell it now, the worker asks again: the code is redeemed all the same.
    """
    discounts: list[ToldDiscount] = []
    try:
        discounts = refresh_terms(account)
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("the terms after a redemption were not told", extra={"error": str(error)})
    new = (each.label for each in readable_discounts(discounts, account=account) if each.id not in before)
    return next(new, "the discount")
