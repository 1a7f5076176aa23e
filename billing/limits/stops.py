"""Stops, as requests need them: each process reads them anew every REMEMBERED_S, so that one holds within 5 s."""

import time
from datetime import datetime
from functools import lru_cache

from django.db import transaction

from accounts.access_log import note_on_commit
from accounts.audit import AuditEvent, note_change
from accounts.models import User
from billing.models import Stop

REMEMBERED_S = 2.0


def is_stopped(*, organization_id: int | None = None, model: str = "") -> bool:
    """Tell whether this very pair is stopped. Without an organization: for everybody; without a model: all of them."""
    return (organization_id, model) in _stops(int(time.monotonic() // REMEMBERED_S))


def forget_stops() -> None:
    """Forget what this process remembers, so that a change shows at once."""
    _stops.cache_clear()


@transaction.atomic
def note_stop(stop: Stop) -> None:
    """Write a stop, and tell of it in the log of its organization."""
    stop.save()
    _tell(stop, AuditEvent.STOPPED, "requests stopped", stop.begun_by)


@transaction.atomic
def lift_stop(stop: Stop, *, by: User, now: datetime) -> bool:
    """Let requests in again. Returns False where the stop was lifted before. `now` is wall time."""
    lifted = Stop.objects.filter(pk=stop.pk, lifted_at=None).update(lifted_at=now, lifted_by=by)
    if lifted:
        _tell(stop, AuditEvent.RESTORED, "requests let in again", by)
    return bool(lifted)


def _tell(stop: Stop, event: AuditEvent, words: str, by: User | None) -> None:
    note_on_commit(words, organization_id=stop.organization_id, model=stop.model, staff_id=by.pk if by else None)
    if stop.organization_id:
        note_change(event, organization_id=stop.organization_id, detail=stop.model)
    transaction.on_commit(forget_stops)


@lru_cache(maxsize=1)
def _stops(turn: int) -> frozenset[tuple[int | None, str]]:
    return frozenset(Stop.objects.filter(lifted_at=None).values_list("organization_id", "model"))
