"""Subscriptions: what Stripe says of one decides what its organization may do here."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Organization
from billing.models import BillingAccount, Plan, PlanPrice
from billing.periods import Period, period_at

logger = logging.getLogger(__name__)

Status = BillingAccount.Status
# docs.stripe.com/billing/subscriptions/overview#subscription-statuses. What is not here (incomplete,
# incomplete_expired, canceled, paused) gives no entitlement: the organization is back on its trial.
ENTITLING = {
    "trialing": Status.ACTIVE,
    "active": Status.ACTIVE,
    "past_due": Status.PAST_DUE,
    "unpaid": Status.SUSPENDED,
}
STANDING = [
    "plan",
    "status",
    "priced_at",
    "anchor_at",
    "period_starts_at",
    "period_ends_at",
    "spent_minor",
    "spending_starts_at",
    "stripe_subscription_id",
    "stripe_status",
    "stripe_period_ends_at",
    "cancel_at",
]


def open_billing_account(*, organization: Organization, now: datetime) -> BillingAccount:
    """Give an organization its billing account, on the free trial. Returns the one it has where it has one."""
    period = period_at(anchor=now, instant=now)
    account, _ = BillingAccount.objects.get_or_create(
        organization=organization,
        defaults={
            "plan": Plan.objects.get(is_trial=True),
            "anchor_at": now,
            "period_starts_at": period.starts_at,
            "period_ends_at": period.ends_at,
            "spending_starts_at": period.starts_at,
        },
    )
    return account


@transaction.atomic
def apply_subscription(*, data: dict[str, Any]) -> bool:
    """Bring a billing account in line with a subscription as Stripe tells it (`stripe_data`).

    May be called any number of times, in any order. Returns False where the subscription is not one of ours, or
    has ended and another took its place.
    """
    account = BillingAccount.objects.select_for_update().filter(stripe_customer_id=data["customer"]).first()
    if account is None:
        logger.warning("a subscription of no organization here", extra={"subscription": data["id"]})
        return False
    status = ENTITLING.get(data["status"])
    if status is None:
        return _end_subscription(account, data=data)
    return _enter_subscription(account, data=data, status=status)


def _enter_subscription(account: BillingAccount, *, data: dict[str, Any], status: BillingAccount.Status) -> bool:
    items = data["items"]["data"]
    prices = list(PlanPrice.objects.filter(stripe_price_id__in=[item["price"]["id"] for item in items]).order_by("id"))
    if not prices:
        logger.error("a subscription with no price of ours", extra={"subscription": data["id"]})
        return False
    period = _period_of(items)
    is_new = account.stripe_subscription_id != data["id"]
    if is_new or period.starts_at > account.period_starts_at:  # never back: usage may be ahead of Stripe's renewal
        account.begin_spending(period=period)
    elif account.plan_id != prices[0].plan_id:
        _begin_anew(account, at=_instant(max(item["created"] for item in items)))
    account.plan_id = prices[0].plan_id
    account.priced_at = _priced_at(prices)
    account.status = status
    account.anchor_at = _instant(data["billing_cycle_anchor"])
    account.stripe_subscription_id, account.stripe_status = data["id"], data["status"]
    account.stripe_period_ends_at = period.ends_at
    account.cancel_at = _instant(data["cancel_at"]) if data.get("cancel_at") else None
    account.save(update_fields=STANDING)
    return True


def _end_subscription(account: BillingAccount, *, data: dict[str, Any]) -> bool:
    if account.stripe_subscription_id != data["id"]:
        return False
    if data.get("ended_at"):
        _begin_anew(account, at=_instant(data["ended_at"]))
    account.plan = Plan.objects.get(is_trial=True)
    account.status, account.stripe_status = Status.TRIAL, data["status"]
    account.stripe_subscription_id, account.stripe_period_ends_at, account.cancel_at = "", None, None
    account.save(update_fields=STANDING)
    return True


def _priced_at(prices: list[PlanPrice]) -> datetime:
    """Return the instant as of which the plan's price list is the subscription's.

    A price that was changed and changed back is one price in Stripe and two rows here: the first of them counts.
    """
    first: dict[str, datetime] = {}
    for price in prices:
        first[price.stripe_price_id] = min(first.get(price.stripe_price_id, price.valid_from), price.valid_from)
    return max(first.values())


def _begin_anew(account: BillingAccount, *, at: datetime) -> None:
    """Let what is used from `at` on count to a bill of its own: what was used before has just been invoiced.

    What was spent stays spent: a cap is for the whole period. Stripe tells whole seconds, so a change in the very
    second that the period began in would begin nothing new without the microsecond.
    """
    account.enter_period(now=at)
    account.period_starts_at = max(account.period_starts_at + timedelta(microseconds=1), at)


def _period_of(items: list[dict[str, Any]]) -> Period:
    """Return the period of the items; since API version 2025-03-31 it stands there, not on the subscription."""
    return Period(
        starts_at=_instant(max(item["current_period_start"] for item in items)),
        ends_at=_instant(max(item["current_period_end"] for item in items)),
    )


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)
