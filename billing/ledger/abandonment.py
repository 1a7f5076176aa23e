"""Abandoned records: a record that a crash left open is found, shown to an admin, and never billed."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from billing.ledger.leases import dead_processes
from billing.ledger.unbilled import BATCH, close_unbilled
from billing.models import UsageRecord


def find_abandoned(*, now: datetime) -> int:
    """Close open records of dead processes, or past their deadlines, and return how many. `now` is billing time.

    The hold is released, since nothing is billed, and a free request is given back. Posting makes a discrepancy of
    each, for Claude may have served it. A process that was only paused may still settle it.
    """
    left_open = Q(deadline_at__lt=timezone.now()) | Q(process_id__in=dead_processes())
    records = UsageRecord.objects.filter(left_open, state=UsageRecord.State.OPEN, posted_at__isnull=True).order_by("id")
    return sum(
        close_unbilled(
            organization_id=organization_id,
            which=left_open,
            state=UsageRecord.State.ABANDONED,
            outcome="abandoned: its process ended before it was settled",
            now=now,
        )
        for organization_id in sorted(set(records[:BATCH].values_list("organization_id", flat=True)))
    )
