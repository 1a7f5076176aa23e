"""Reconciliation: ledger, outbox and Stripe's meters are compared to the token, and each difference gets a name."""

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Sum

from billing.metering import late_usage
from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.models import Discrepancy, MeterEvent, UsageRecord
from billing.plans.price_lists import meter_event_name
from billing.stripe_billing import client, meters
from billing.tokens import TOKEN_COLUMNS, TokenClass, column_of

logger = logging.getLogger(__name__)

# Stripe's summaries are eventually consistent, so usage this recent is left for the next run.
SETTLING_TIME = timedelta(minutes=10)
MeterKey = tuple[int, str, datetime]


def reconcile(*, now: datetime) -> int:
    """Compare the ledger with the outbox and the outbox with Stripe's meters; return the number of differences."""
    ledger, outbox = _ledger_totals(), _outbox_totals()
    differences = 0
    for key in sorted(set(ledger) | set(outbox)):
        differences += _compare_ledger_with_outbox(key, expected=ledger.get(key, 0), found=outbox.get(key, 0))
    try:
        return differences + _compare_outbox_with_stripe(now=now)
    except (client.StripeUnavailable, client.StripeRejected) as error:
        logger.warning("Stripe's meters could not be read", extra={"error": str(error)})
        return differences


def _ledger_totals() -> dict[MeterKey, int]:
    """Return the posted tokens of every organization, meter and period."""
    rows: Any = (
        UsageRecord.objects.filter(state=UsageRecord.State.SETTLED, trial=False, posted_at__isnull=False)
        .values("organization_id", "model", "period_starts_at")
        .annotate(**{name: Sum(name) for name in TOKEN_COLUMNS})
        .order_by("organization_id", "model", "period_starts_at")
    )
    totals: dict[MeterKey, int] = defaultdict(int)
    for row in rows:
        for token_class in TokenClass:
            event_name = meter_event_name(model=row["model"], token_class=token_class)
            totals[(row["organization_id"], event_name, row["period_starts_at"])] += row[column_of(token_class)]
    return {key: tokens for key, tokens in totals.items() if tokens}


def _outbox_totals() -> dict[MeterKey, int]:
    """Return the tokens that go to Stripe: by meter events, or as late usage."""
    rows = (
        MeterEvent.objects.values("organization_id", "event_name", "period_starts_at")
        .annotate(tokens=Sum("value"))
        .order_by("organization_id", "event_name", "period_starts_at")
    )
    totals: dict[MeterKey, int] = late_usage.unmetered_totals()
    for row in rows:
        key = (row["organization_id"], row["event_name"], row["period_starts_at"])
        totals[key] = totals.get(key, 0) + row["tokens"]
    return totals


def _compare_ledger_with_outbox(key: MeterKey, *, expected: int, found: int) -> bool:
    organization_id, event_name, period_starts_at = key
    return _compare(
        organization_id=organization_id,
        kind=Discrepancy.Kind.LEDGER_OUTBOX,
        subject=f"{event_name} from {period_starts_at:%Y-%m-%dT%H:%M:%SZ}",
        expected=expected,
        found=found,
    )


def _compare_outbox_with_stripe(*, now: datetime) -> int:
    """Compare the sent events with the meters, from the first event of a meter to its newest.

    Over all periods together, since Stripe's summaries begin and end at whole minutes and periods do not.
    """
    meter_ids = meters.meters_by_event_name()
    rows = (
        MeterEvent.objects.filter(state=MeterEvent.State.SENT)
        .values("organization_id", "organization__billing_account__stripe_customer_id", "event_name")
        .annotate(tokens=Sum("value"), first=Min("occurred_at"), newest=Max("occurred_at"))
        .order_by("organization_id", "event_name")
    )
    differences = 0
    for row in rows:
        if row["newest"] > now - SETTLING_TIME or row["event_name"] not in meter_ids:
            continue
        held = meters.meter_total(
            meter_id=meter_ids[row["event_name"]],
            customer_id=row["organization__billing_account__stripe_customer_id"],
            starts_at=row["first"].replace(second=0, microsecond=0),
            ends_at=row["newest"].replace(second=0, microsecond=0) + timedelta(minutes=1),
        )
        differences += _compare(
            organization_id=row["organization_id"],
            kind=Discrepancy.Kind.OUTBOX_STRIPE,
            subject=row["event_name"],
            expected=row["tokens"],
            found=held,
        )
    return differences


def _compare(*, organization_id: int, kind: Discrepancy.Kind, subject: str, expected: int, found: int) -> bool:
    """Open, update or resolve the discrepancy about a subject. Returns whether the figures differ."""
    if expected == found:
        resolve_discrepancy(organization_id=organization_id, kind=kind, subject=subject)
        return False
    open_discrepancy(organization_id=organization_id, kind=kind, subject=subject, expected=expected, found=found)
    return True
