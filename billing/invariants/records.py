"""Usage records: each is in one state, costs what that state costs, and is forgotten by nobody."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from billing.invariants.breach import Breach
from billing.models import BillingAccount, Discrepancy, IdempotencyKey, UsageRecord
from billing.money import format_exact
from billing.tokens import TOKEN_COLUMNS

# Sweeper and poster run every few seconds.
SWEPT_WITHIN = timedelta(minutes=10)
CHANGED_WITHIN = timedelta(hours=1)
State = UsageRecord.State
UNBILLED = [State.VOID, State.ABANDONED]


def _rows(records: QuerySet[UsageRecord], detail: str) -> Iterator[Breach]:
    for record in records.order_by("id").iterator(chunk_size=500):
        yield Breach(row=f"usage record {record.request_id}", detail=f"It is {record.state}: {detail}")


def left_open() -> Iterator[Breach]:
    """Yield the records that are open though no call lasts so long."""
    overdue = UsageRecord.objects.filter(state=State.OPEN, posted_at__isnull=True)
    overdue = overdue.filter(deadline_at__lt=timezone.now() - SWEPT_WITHIN)
    yield from _rows(overdue, "its deadline is over, and nobody closed it.")


def left_unposted() -> Iterator[Breach]:
    """Yield the closed records that are long in no total, except where a change of plan is under way."""
    closed = UsageRecord.objects.filter(posted_at__isnull=True).exclude(state=State.OPEN)
    late = closed.filter(deadline_at__lt=timezone.now() - SWEPT_WITHIN)
    being_changed = BillingAccount.objects.filter(change_begun_at__isnull=False)
    late = late.exclude(organization_id__in=being_changed.values("organization_id"))
    yield from _rows(late, "it is in no total and in no meter event.")


def changing_for_ever() -> Iterator[Breach]:
    """Yield the accounts whose change neither ends nor is given up, so that usage waits."""
    begun = BillingAccount.objects.filter(change_begun_at__lt=timezone.now() - CHANGED_WITHIN)
    for account in begun.select_related("organization").order_by("id"):
        row = f"billing account {account.pk} ({account.organization})"
        yield Breach(row=row, detail=f"Its change began at {account.change_begun_at:%Y-%m-%d %H:%M:%S} UTC.")


def posted_while_open() -> Iterator[Breach]:
    """Yield the records that are in the totals though they are not over, or are there in another state."""
    posted = UsageRecord.objects.filter(posted_at__isnull=False)
    yield from _rows(posted.filter(state=State.OPEN), "it is posted.")
    yield from _rows(posted.filter(posted_as_abandoned_at__isnull=False), "it is still in the totals as abandoned.")


def unbilled_with_a_price() -> Iterator[Breach]:
    """Yield the records that cost something, or count tokens, though nobody is billed for them."""
    counts = Q(*((f"{name}__gt", 0) for name in TOKEN_COLUMNS), _connector=Q.OR)
    unbilled = UsageRecord.objects.filter(state__in=UNBILLED)
    yield from _rows(unbilled.filter(counts), "it counts tokens.")
    for request_id, cost_minor in unbilled.order_by("id").values_list("request_id", "cost_minor").iterator():
        if cost_minor:
            yield Breach(row=f"usage record {request_id}", detail=f"It costs {format_exact(cost_minor)}.")


def dearer_than_held() -> Iterator[Breach]:
    """Yield the requests that cost more than was held for them: caps bound holds, so a cap could be passed."""
    paid = UsageRecord.objects.filter(state=State.SETTLED, trial=False)
    if connection.vendor == "postgresql":  # SQLite keeps amounts as text, which SQL must not compare
        paid = paid.filter(cost_minor__gt=F("hold_minor"))
    for request_id, cost_minor, hold_minor in (
        paid.order_by("id").values_list("request_id", "cost_minor", "hold_minor").iterator()
    ):
        if cost_minor > hold_minor:
            detail = f"It cost {format_exact(cost_minor)}; {format_exact(hold_minor)} were held."
            yield Breach(row=f"usage record {request_id}", detail=detail)


def abandoned_unshown() -> Iterator[Breach]:
    """Yield the abandoned records that no admin was shown."""
    shown = Discrepancy.objects.filter(
        organization_id=OuterRef("organization_id"), kind=Discrepancy.Kind.ABANDONED, subject=OuterRef("request_id")
    )
    abandoned = UsageRecord.objects.filter(state=State.ABANDONED, posted_at__isnull=False)
    yield from _rows(abandoned.filter(~Exists(shown)), "no discrepancy tells of it.")


def answers_apart() -> Iterator[Breach]:
    """Yield the idempotency keys with an answer and no settled record, or with a settled record and no answer."""
    settled = Q(record__state=State.SETTLED)
    answered = Q(answer__isnull=False)
    apart = IdempotencyKey.objects.filter((answered & ~settled) | (settled & ~answered)).select_related("record")
    for key in apart.order_by("id"):
        has = "no answer" if key.answer is None else "an answer"
        detail = f"It keeps {has}; its record {key.record.request_id} is {key.record.state}."
        yield Breach(row=f"idempotency key {key}", detail=detail)


def without_an_account() -> Iterator[Breach]:
    """Yield the organizations without a billing account: their requests are refused."""
    for organization in Organization.objects.filter(billing_account__isnull=True).order_by("id"):
        yield Breach(row=f"organization {organization.pk} ({organization})", detail="It has no billing account.")
