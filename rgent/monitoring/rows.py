"""Figures that the database tells truer than any process: holds, backlogs, ages, tasks. Each is read by an index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min
from django.utils import timezone
from djstripe.models import WebhookEventTrigger

from billing.models import Discrepancy, InvoiceHold, MeterEvent, NoticeMail, TaskRun, UsageRecord
from common import clock

UNSENT = [MeterEvent.State.PENDING, MeterEvent.State.SENDING]


@dataclass(frozen=True, slots=True)
class Measure:
    """One gauge: its values by label, or one without labels."""

    name: str
    words: str
    values: Sequence[tuple[Sequence[str], float]]
    labels: Sequence[str] = ()


def measures() -> list[Measure]:
    """Return what the rows tell at this moment."""
    now = timezone.now()
    return [*_ledger(), *_outbox(), *_webhooks(now=now), *_waiting(now=now), *_tasks()]


def _ledger() -> Iterator[Measure]:
    """Measure what is not posted yet: little, where posting works."""
    unposted = UsageRecord.objects.filter(posted_at__isnull=True)
    held = unposted.filter(state=UsageRecord.State.OPEN).values_list("hold_minor", flat=True)
    yield one("rgent_open_requests", "Usage records that are open.", len(held))
    yield one("rgent_holds_cents", "What open requests may cost at most, in cents.", float(sum(held)))
    closed = unposted.exclude(state=UsageRecord.State.OPEN)
    oldest_at = closed.order_by("id").values_list("settled_at", flat=True).first()
    yield one("rgent_unposted_records", "Closed records that no total holds yet.", closed.count())
    yield one("rgent_unposted_age_seconds", "Age of the oldest of them.", _age_s(oldest_at, now=clock.now()))


def _outbox() -> Iterator[Measure]:
    due = MeterEvent.objects.filter(state__in=UNSENT).aggregate(count=Count("id"), oldest=Min("occurred_at"))
    yield one("rgent_outbox_events", "Meter events on their way to Stripe.", due["count"])
    yield one("rgent_outbox_age_seconds", "Age of the oldest of them.", _age_s(due["oldest"], now=clock.now()))


def _webhooks(*, now: datetime) -> Iterator[Measure]:
    newest_at = WebhookEventTrigger.objects.order_by("-id").values_list("created", flat=True).first()
    yield one("rgent_webhook_age_seconds", "Time since the last webhook came.", _age_s(newest_at, now=now))


def _waiting(*, now: datetime) -> Iterator[Measure]:
    open_kinds = Discrepancy.objects.filter(resolved_at__isnull=True).order_by().values_list("kind")
    by_kind = [((kind,), number) for kind, number in open_kinds.annotate(number=Count("id"))]
    yield Measure("rgent_discrepancies", "Discrepancies that nobody has resolved.", by_kind, labels=["kind"])
    mails = NoticeMail.objects.filter(state=NoticeMail.State.WAITING).aggregate(oldest=Min("next_attempt_at"))
    yield one(
        "rgent_mail_age_seconds", "How long the mail that is due longest has waited.", _age_s(mails["oldest"], now=now)
    )
    yield one(
        "rgent_held_invoices", "Drafts that wait for usage.", InvoiceHold.objects.filter(released_at=None).count()
    )


def _tasks() -> Iterator[Measure]:
    runs = list(TaskRun.objects.all())
    succeeded = [((run.name,), run.succeeded_at.timestamp()) for run in runs if run.succeeded_at]
    failures = [((run.name,), run.failures) for run in runs]
    yield Measure("rgent_task_succeeded_timestamp_seconds", "When a task last succeeded.", succeeded, labels=["task"])
    yield Measure("rgent_task_failures", "How often a task has failed.", failures, labels=["task"])


def one(name: str, words: str, value: float) -> Measure:
    """Return a measure without labels."""
    return Measure(name, words, [((), value)])


def _age_s(instant: datetime | None, *, now: datetime) -> float:
    """Return the age of an instant in seconds; 0 for none, or one to come."""
    return max((now - instant).total_seconds(), 0.0) if instant else 0.0
