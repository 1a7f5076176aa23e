"""The usage that Stripe's invoices bill, beside the usage that the ledger says they must."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing.bills.metered_lines import MeteredLine, by_period, final_invoices, instant, lines_by_price
from billing.models import BillingAccount, DailyUsage, LateUsage
from billing.money import EXACT, round_to_cents
from billing.plans.measures import Kind, Measured, kind_of, measures_of
from billing.spend import measured

LONGEST_LINE = timedelta(days=32)
# A plan, the instant of its price list, and a model.
Terms = tuple[int, datetime, str]
Used = Mapping[tuple[Terms, datetime], Collection[Measured]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledUsage:
    """The usage of one price and period: used, and on final invoices. `wrong_amounts` are sentences.

    Price lists may share a price, as all of them by spend do: `terms` are those that it was used at. `on_invoices` are
    the quantities that metered lines bill, by the invoice's id. `billed_elsewhere` is the quantity that lines of this
    price bill too much, of whichever period: it may be the one missing here.
    """

    terms: tuple[Terms, ...]
    kind: Kind
    period_starts_at: datetime
    used: int
    billed: int
    billed_late: int
    billed_elsewhere: int
    on_invoices: Mapping[str, int]
    wrong_amounts: tuple[str, ...]

    @property
    def newest_terms(self) -> Terms:
        """The newest price list, which is that of the whole where usage is missing."""
        return max(self.terms, key=lambda terms: terms[1])

    @property
    def has_line(self) -> bool:
        """Whether any final invoice has a line of this price and period."""
        return bool(self.on_invoices)

    @property
    def missing(self) -> int:
        """The quantity that no invoice bills; below zero where too much is billed."""
        return self.used - self.billed

    @property
    def missing_minor(self) -> int:
        """The cents that were charged too little."""
        rate = self.kind.unit_minor
        return round_to_cents(EXACT.multiply(rate, self.used)) - round_to_cents(EXACT.multiply(rate, self.billed))


def is_invoiced(*, account: BillingAccount, period_starts_at: datetime) -> bool:
    """Tell whether the invoice that must bill a period is final: one of its subscription whose period holds it."""
    for data in final_invoices(account.stripe_customer_id):
        starts_at, ends_at = instant(data["period_start"]), instant(data["period_end"])
        if data["billing_reason"] == "subscription_cycle" and starts_at <= period_starts_at < ends_at:
            return True
    return False


def billed_usage(*, account: BillingAccount, usage: Used) -> list[BilledUsage]:
    """Compare what was used, by terms and period, with what final invoices bill of it, for every price.

    Late usage that an invoice item of its own bills counts as billed.
    """
    items = _items(account.organization_id, usage)
    periods = {period for _, period in usage}
    used = _used_by_price(account.organization_id, periods, items=items)
    lines = lines_by_price(account)
    billed = {price: by_period(lines.get(price, ()), periods=sorted(of_price)) for price, of_price in used.items()}
    found = []
    for (kind, period), item in items.items():
        own = billed[kind.stripe_price_id].get(period, [])
        found.append(
            BilledUsage(
                terms=tuple(item.terms),
                kind=kind,
                period_starts_at=period,
                used=item.used,
                billed=sum(line.quantity for line in own) + item.billed_late,
                billed_late=item.billed_late,
                billed_elsewhere=_excess(billed[kind.stripe_price_id], used=used[kind.stripe_price_id], near=periods),
                on_invoices=_by_invoice(own),
                wrong_amounts=tuple(filter(None, (_wrong_amount(line, kind) for line in own))),
            )
        )
    return found


@dataclass(slots=True)
class _Item:
    """The usage that one metered price must bill of a period, and the price lists it was used at."""

    used: int = 0
    billed_late: int = 0
    terms: list[Terms] = field(default_factory=list)


def _items(organization_id: int, usage: Used) -> dict[tuple[Kind, datetime], _Item]:
    """Return what metered prices must bill, by price and period, without what is no meter's."""
    items: dict[tuple[Kind, datetime], _Item] = defaultdict(_Item)
    for (terms, period), counts in usage.items():
        for each in counts:
            item = items[(each.kind, period)]
            item.used += each.quantity
            item.terms.append(terms)
    periods = {period for _, period in usage}
    for row in LateUsage.objects.filter(organization_id=organization_id, period_starts_at__in=periods).order_by("id"):
        item = items[(kind_of(row), row.period_starts_at)]
        if row.reason == LateUsage.Reason.CHANGED:
            item.used -= row.quantity
        else:
            item.billed_late += row.quantity
    return {key: item for key, item in items.items() if item.used and item.terms and key[0].stripe_price_id}


def _by_invoice(lines: Iterable[MeteredLine]) -> Mapping[str, int]:
    quantities: dict[str, int] = defaultdict(int)
    for line in lines:
        quantities[line.invoice_id] += line.quantity
    return quantities


def _used_by_price(
    organization_id: int, periods: Collection[datetime], *, items: Mapping[tuple[Kind, datetime], _Item]
) -> dict[str, dict[datetime, int]]:
    """Return the quantities that each of Stripe's prices must bill by a line, by period: those about the given ones.

    Of the given periods `items` tell, of others, closed ones too, the totals. No line is longer than a month.
    """
    if not periods:
        return {}
    around = {"period_starts_at__range": (min(periods) - LONGEST_LINE, max(periods) + LONGEST_LINE)}
    rows = DailyUsage.objects.filter(organization_id=organization_id, trial=False, **around).order_by("id")
    others: dict[tuple[Terms, datetime], list[Measured]] = defaultdict(list)
    for row in rows.exclude(period_starts_at__in=periods):
        others[((row.plan_id, row.priced_at, row.model), row.period_starts_at)] += measures_of(row)
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for (kind, period), item in (*_items(organization_id, others).items(), *items.items()):
        found[kind.stripe_price_id][period] = item.used - item.billed_late
    return found


def _excess(
    billed: Mapping[datetime | None, Sequence[MeteredLine]],
    *,
    used: Mapping[datetime, int],
    near: Collection[datetime],
) -> int:
    """Return the quantity that lines of one price bill beyond the usage of their periods, or of no period.

    Of the lines of no period those about the ones `near` count: others bill older usage, which is not looked at.
    """
    first, last = min(near), max(near)
    excess = sum(line.quantity for line in billed.get(None, ()) if line.overlaps(first, last))
    for period, quantity in used.items():
        excess += max(0, sum(line.quantity for line in billed.get(period, ())) - quantity)
    return excess


def _wrong_amount(line: MeteredLine, kind: Kind) -> str:
    right = round_to_cents(EXACT.multiply(kind.unit_minor, line.quantity))
    if (line.amount, line.unit) == (right, kind.unit_minor):
        return ""
    return (
        f"{line.amount} cents at {line.unit:f} in place of {right} at {kind.unit_minor:f} "
        f"for {measured(kind.event_name, line.quantity)}"
    )
