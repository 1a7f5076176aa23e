"""Writes down how tasks end, and tells whether those that everything rests on run."""

import logging
import time
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from billing.models import TaskRun

logger = logging.getLogger(__name__)

# Tasks run every few seconds: a row is written this often by each process.
NOTE_EVERY_S = 10.0
# Usage becomes money by these, which wait for nobody.
ESSENTIAL = ("post_usage", "send_meter_events", "send_mails")
SILENT_AFTER = timedelta(minutes=5)

_noted_at_s: dict[str, float] = {}


def note_success(*, name: str) -> None:
    """Write down that a task succeeded just now."""
    now_s = time.monotonic()
    if now_s - _noted_at_s.get(name, float("-inf")) >= NOTE_EVERY_S:
        _noted_at_s[name] = now_s
        _write(name, succeeded_at=timezone.now())


def note_failure(*, name: str, error: BaseException) -> None:
    """Write down that a task failed just now."""
    _write(
        name, failed_at=timezone.now(), failures=F("failures") + 1, last_error=f"{type(error).__name__}: {error}"[:500]
    )


def silent_tasks(*, now: datetime) -> list[str]:
    """Return the essential tasks that have not succeeded lately. `now` is wall time."""
    lately = TaskRun.objects.filter(name__in=ESSENTIAL, succeeded_at__gt=now - SILENT_AFTER)
    return sorted({*ESSENTIAL} - set(lately.values_list("name", flat=True)))


def _write(name: str, **values: object) -> None:
    """Note a run. The database may be why a task failed: then there is nowhere to note it but the log."""
    try:
        TaskRun.objects.get_or_create(name=name)
        TaskRun.objects.filter(name=name).update(**values)
    except DatabaseError as error:
        logger.warning("the run of a task could not be noted", extra={"error": str(error)})
