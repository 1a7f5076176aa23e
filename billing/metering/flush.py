"""Sending all usage of an organization to Stripe now, ahead of the usual seconds.

Stripe prices usage by the price in effect when it is reported. So usage at the old price is reported before the price
changes (docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup).
"""

import time
from datetime import datetime, timedelta

from billing.metering import outbox, posting
from billing.models import MeterEvent, UsageRecord

LONGEST_BILL = timedelta(days=32)
# An event may bear the second after the one its usage ended in, and no later one.
LONGEST_WAIT = timedelta(seconds=2)


class UsageNotSent(Exception):
    """Some usage could not be sent to Stripe just now, so the change that needs it must wait."""


def flush_usage(*, organization_id: int, now: datetime) -> None:
    """Post and send all settled usage of an organization. `now` is billing time. Raises UsageNotSent."""
    while posting.post_due():
        pass
    settled = UsageRecord.objects.filter(organization_id=organization_id, posted_at__isnull=True)
    unposted = settled.exclude(state=UsageRecord.State.OPEN).exists()
    if unposted or not outbox.send_all_of(organization_id=organization_id, now=now):
        raise UsageNotSent("Usage is still on its way to our payment provider. Nothing was changed: try again shortly.")


def let_usage_be_past(*, organization_id: int, now: datetime) -> None:
    """Wait until the second of an organization's newest meter event is over: at most two. `now` is billing time.

    Stripe counts usage by whole seconds, and does not say whether that of the very second in which a subscription ends
    or begins counts to it. So that second has none.
    """
    second = now.replace(microsecond=0)
    newest = (
        MeterEvent.objects.filter(
            organization_id=organization_id, period_starts_at__gte=now - LONGEST_BILL, occurred_at__gte=second
        )
        .order_by("-occurred_at")
        .values_list("occurred_at", flat=True)
        .first()
    )
    if newest is not None:
        over_at = newest.replace(microsecond=0) + timedelta(seconds=1)
        time.sleep(min(over_at - now, LONGEST_WAIT).total_seconds())
