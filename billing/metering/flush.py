"""Sending all usage of an organization to Stripe now, ahead of the usual seconds.

Stripe prices usage by the price in effect when it is reported. So usage at the old price is reported before the price
changes (docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup).
"""

from datetime import datetime

from billing.metering import outbox, posting
from billing.models import UsageRecord


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
