"""Discrepancies: figures that should agree and differ, shown to an admin until they agree."""

from datetime import datetime

from django.utils import timezone

from billing.models import Discrepancy


def open_discrepancy(
    *,
    organization_id: int,
    kind: Discrepancy.Kind,
    subject: str,
    period_starts_at: datetime | None = None,
    expected: int | None = None,
    found: int | None = None,
    detail: str = "",
) -> Discrepancy:
    """Record a difference, or update the open one about the same subject. Figures are tokens."""
    row, _ = Discrepancy.objects.update_or_create(
        organization_id=organization_id,
        kind=kind,
        subject=subject,
        resolved_at=None,
        defaults={"period_starts_at": period_starts_at, "expected": expected, "found": found, "detail": detail},
    )
    return row


def resolve_discrepancy(*, organization_id: int, kind: Discrepancy.Kind, subject: str) -> bool:
    """Close an open difference that is gone. Returns False if there was none."""
    rows = Discrepancy.objects.filter(organization_id=organization_id, kind=kind, subject=subject, resolved_at=None)
    return bool(rows.update(resolved_at=timezone.now()))
