"""Differences that reconciliation finds, and what becomes of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.models import Discrepancy

Kind = Discrepancy.Kind


class Stage(StrEnum):
    """The two neighbours that were compared. Discrepancies' subjects begin with it."""

    TOTALS = "totals"
    PRICES = "prices"
    OUTBOX = "meter events"
    METERS = "Stripe's meter"
    INVOICES = "invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two figures that should agree and differ. `repair` makes up for it, and returns what it did; empty if it may not.

    Figures are tokens, except where both are of money: then `detail` has them.
    """

    kind: Discrepancy.Kind
    stage: Stage
    about: str
    organization_id: int
    period_starts_at: datetime
    expected: int
    found: int
    detail: str
    repair: Callable[[], str] | None = None

    @property
    def subject(self) -> str:
        """The subject of its discrepancy."""
        return f"{self.stage}: {self.about}"


@dataclass(slots=True)
class Report:
    """The outcome of comparing one organization or many."""

    organizations: int = 0
    figures: int = 0
    waiting: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    repairs: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Report") -> None:
        """Take in another report."""
        self.organizations += other.organizations
        self.figures += other.figures
        self.waiting += other.waiting
        self.differences += other.differences
        self.repairs |= other.repairs


def show(differences: Iterable[Difference], *, organization_id: int, stages: Iterable[Stage]) -> None:
    """Open a discrepancy for each difference, and resolve those of the stages that are gone."""
    found = {(each.kind.value, each.subject): each for each in differences}
    for each in found.values():
        open_discrepancy(
            organization_id=organization_id,
            kind=each.kind,
            subject=each.subject,
            period_starts_at=each.period_starts_at,
            expected=each.expected,
            found=each.found,
            detail=each.detail,
        )
    shown = Discrepancy.objects.filter(organization_id=organization_id, resolved_at__isnull=True).order_by("id")
    compared = tuple(f"{stage}: " for stage in stages)
    for kind, subject in shown.values_list("kind", "subject"):
        if subject.startswith(compared) and (kind, subject) not in found:
            resolve_discrepancy(organization_id=organization_id, kind=Kind(kind), subject=subject)


def note_repairs(report: Report) -> None:
    """Say in the discrepancies what was done about them. The next run resolves those that are gone."""
    for each in report.differences:
        if done := report.repairs.get(each.subject):
            rows = Discrepancy.objects.filter(organization_id=each.organization_id, kind=each.kind)
            rows.filter(subject=each.subject, resolved_at__isnull=True).update(detail=f"{each.detail}\n{done}")
