"""Meter events that reconciliation adds to make up for a difference of an hour."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone

from billing.models import MeterEvent


def add_repair_event(
    *, organization_id: int, event_name: str, hour: datetime, period: datetime, value: int, **fields: Any
) -> MeterEvent:
    """Add an event that is due at once, dated like the newest of its hour. The caller keeps posting out.

    `period` is the beginning of the billing period, and `fields` are further columns.
    """
    of_the_hour = MeterEvent.objects.filter(organization_id=organization_id, event_name=event_name, hour=hour)
    newest = of_the_hour.filter(period_starts_at=period).aggregate(at=Max("occurred_at"))["at"]
    return MeterEvent.objects.create(
        organization_id=organization_id,
        event_name=event_name,
        value=value,
        occurred_at=newest or max(hour, period),
        hour=hour,
        period_starts_at=period,
        identifier=f"rgent-repair-{uuid.uuid4().hex}",
        state=MeterEvent.State.SENDING,
        next_attempt_at=timezone.now(),
        **fields,
    )
