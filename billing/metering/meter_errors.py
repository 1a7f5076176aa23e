"""Meter events that Stripe took and reports as errors afterwards: they count as refused, each with its remedy."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from billing.metering.discrepancies import open_discrepancy
from billing.metering.sending import REMEDIES
from billing.models import Discrepancy, MeterEvent
from billing.stripe_billing.meter_errors import MeterError, meter_errors_since

logger = logging.getLogger(__name__)

# Read again each time, since a report may appear late; each strikes an event once.
READ_BACK = timedelta(days=1)


def read_meter_errors(*, now: datetime) -> int:
    """Mark the events that Stripe's newest reports name as rejected, and return how many. `now` is billing time.

    Raises StripeUnavailable, StripeRejected.
    """
    errors = meter_errors_since(now - READ_BACK)
    return sum(_reject(identifier, error) for error in errors for identifier in error.identifiers)


@transaction.atomic
def _reject(identifier: str, error: MeterError) -> bool:
    event = MeterEvent.objects.filter(identifier=identifier, state=MeterEvent.State.SENT).first()
    if event is None:
        return False
    detail = f"Stripe took it and reports: {error.message} ({error.code}). {REMEDIES.get(error.code, '')}".strip()
    unreported = Q(error_reported_at__isnull=True) | Q(error_reported_at__lt=error.reported_at)
    struck = MeterEvent.objects.filter(unreported, id=event.id, state=MeterEvent.State.SENT).update(
        state=MeterEvent.State.REJECTED, error_reported_at=error.reported_at, last_error=detail[:500]
    )
    if struck:
        logger.warning("Stripe reports a meter event", extra={"identifier": identifier, "error": error.message})
        open_discrepancy(
            organization_id=event.organization_id,
            kind=Discrepancy.Kind.METER_EVENT_REJECTED,
            subject=identifier,
            period_starts_at=event.period_starts_at,
            expected=event.value,
            detail=detail,
        )
    return bool(struck)
