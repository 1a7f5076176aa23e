"""Running reconciliation: one organization after another, each with all its figures of one moment."""

import logging
import math
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from billing.metering import ledger_sums
from billing.models import MeterEvent
from billing.reconciliation.differences import Difference, Report, Stage, note_repairs, show
from billing.reconciliation.figures import Figures, one_moment, read_figures
from billing.reconciliation.invoice_lines import compare_invoices, periods_over
from billing.reconciliation.outbox import compare_outbox
from billing.reconciliation.stripe_meters import compare_meters, compared_until
from billing.reconciliation.totals import compare_prices, compare_totals
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

BATCH = 200
OURS = (Stage.TOTALS, Stage.PRICES, Stage.OUTBOX)


def reconcile(
    *, now: datetime, organization_id: int | None = None, repair: bool = False, stop_after_s: float | None = None
) -> Report:
    """Compare all figures of all organizations, or all periods of one, and return what differs. `now` is billing time.

    Periods in which everything agreed for good are not compared again, except those of a named organization, whose
    records are added up anew. With `repair` differences are repaired where that is safe. A run that stops after some
    seconds is continued by the next one.
    """
    ledger_sums.advance()
    if organization_id is not None:
        ledger_sums.recount(organization_id=organization_id)
        return reconcile_one(organization_id=organization_id, now=now, repair=repair)
    report, stops_at = Report(), time.monotonic() + (stop_after_s or math.inf)
    for each in _organizations(after_id=ledger_sums.resume_after() if stop_after_s else 0):
        report.add(reconcile_one(organization_id=each, now=now, repair=repair))
        if time.monotonic() > stops_at:
            ledger_sums.stop_at(each)
            return report
    ledger_sums.stop_at(0)
    return report


def _organizations(*, after_id: int) -> Iterator[int]:
    while batch := ledger_sums.organizations_with_open_periods(after_id=after_id, limit=BATCH):
        yield from batch
        after_id = batch[-1]


def reconcile_one(*, organization_id: int, now: datetime, repair: bool = False) -> Report:
    """Compare an organization's periods that are not closed, and close those that are over and agree in everything."""
    until = compared_until(now)
    with one_moment():
        figures = read_figures(organization_id=organization_id, until=until)
        found = [*compare_totals(figures), *compare_prices(figures), *compare_outbox(figures)]
    report = Report(organizations=1, figures=_count(figures), differences=found)
    stages = [*OURS]
    try:
        report.differences += compare_meters(figures, until=until, waiting=report.waiting)
        if not report.waiting:  # a meter that cannot be told neither shows a difference nor its end
            stages.append(Stage.METERS)
        of_invoices = list(compare_invoices(figures, now=now, waiting=report.waiting))
        report.differences += of_invoices
        stages.append(Stage.INVOICES)
    except (StripeUnavailable, StripeRejected) as error:
        report.waiting.append(f"Stripe could not be asked: {error}")
    show(report.differences, organization_id=organization_id, stages=stages)
    if repair:
        report.repairs = dict(_repaired(report.differences))
        note_repairs(report)
    if not report.differences and not report.waiting:
        _close(figures, now=now)
    return report


def _count(figures: Figures) -> int:
    return len(figures.ledger) + len(figures.metered)


def _repaired(differences: Iterable[Difference]) -> Iterator[tuple[str, str]]:
    for each in differences:
        if each.repair and (done := each.repair()):
            logger.warning("a difference was repaired", extra={"about": each.subject, "repair": done})
            yield each.subject, done


def _close(figures: Figures, *, now: datetime) -> None:
    """Close the periods that have ended, unless some of their events are not with Stripe for good."""
    organization_id = figures.account.organization_id
    unsent = MeterEvent.objects.filter(organization_id=organization_id).exclude(state=MeterEvent.State.SENT)
    for period in periods_over(figures, now=now):
        if not unsent.filter(period_starts_at=period).exists():
            ledger_sums.close_period(organization_id=organization_id, period_starts_at=period)
