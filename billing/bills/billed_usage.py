"""The usage that Stripe's invoices bill, beside the usage that the ledger says they must."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from djstripe.models import Invoice, Subscription

from billing.bills.invoices import line_data
from billing.models import BillingAccount, DailyUsage, LateUsage
from billing.money import EXACT, round_to_cents
from billing.plans.measures import Kind, Measured, kind_of
from billing.plans.price_lists import price_list
from billing.spend import measured
from billing.stripe_billing.stored import line_price_id, line_quantity, line_unit_minor

# A void invoice billed its usage too: an operator chose to take none of the money.
FINAL = ("open", "paid", "uncollectible", "void")
LONGEST_LINE = timedelta(days=32)
# A plan, the instant of its price list, and a model.
Terms = tuple[int, datetime, str]
Used = Mapping[tuple[Terms, datetime], Collection[Measured]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledUsage:
    """The usage of one price and period: used, and on final invoices. `wrong_amounts` are sentences.

    Price lists may share a price, as all of them by spend do: `terms` are those that it was used at. `on_invoices` are
    the quantities that metered lines bill, by the invoice's id.
    """

    terms: tuple[Terms, ...]
    kind: Kind
    period_starts_at: datetime
    used: int
    billed: int
    billed_late: int
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


@dataclass(frozen=True, slots=True)
class _Line:
    invoice_id: str
    price_id: str
    starts_at: datetime
    ends_at: datetime
    quantity: int
    amount: int
    unit: Decimal

    def period_billed(self, periods: Sequence[datetime]) -> datetime | None:
        """Return the last of these periods, in order, that begins within the line: the period whose usage it bills.

        After a switch Stripe lets a line begin with the month, and the period here begins with the switch. An earlier
        period within the line was billed by the switch's own invoice. Stripe tells whole seconds.
        """
        within = [
            period
            for period in periods
            if self.starts_at <= (second := period.replace(microsecond=0)) < self.ends_at or second == self.starts_at
        ]
        return within[-1] if within else None


def is_invoiced(*, account: BillingAccount, period_starts_at: datetime) -> bool:
    """Tell whether the invoice that must bill a period is final: one of its subscription whose period holds it."""
    for data in _final_invoices(account.stripe_customer_id):
        starts_at, ends_at = _instant(data["period_start"]), _instant(data["period_end"])
        if data["billing_reason"] == "subscription_cycle" and starts_at <= period_starts_at < ends_at:
            return True
    return False


def billed_usage(*, account: BillingAccount, usage: Used) -> list[BilledUsage]:
    """Compare what was used, by terms and period, with what final invoices bill of it, for every price.

    Late usage that an invoice item of its own bills counts as billed.
    """
    items = _items(account.organization_id, usage)
    by_price = _periods_by_price(account.organization_id, {period for _, period in usage}, items=items)
    lines = _lines(account.stripe_customer_id)
    found = []
    for (kind, period), item in items.items():
        own = _lines_for(kind.stripe_price_id, period, lines=lines, periods=sorted(by_price[kind.stripe_price_id]))
        found.append(
            BilledUsage(
                terms=tuple(item.terms),
                kind=kind,
                period_starts_at=period,
                used=item.used,
                billed=sum(line.quantity for line in own) + item.billed_late,
                billed_late=item.billed_late,
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


def _final_invoices(customer_id: str) -> Iterable[Mapping[str, Any]]:
    if not customer_id:
        return []
    rows = Invoice.objects.filter(customer__id=customer_id).order_by("created", "djstripe_id")
    return (row.stripe_data for row in rows if row.stripe_data["status"] in FINAL)


def _lines(customer_id: str) -> list[_Line]:
    ends = _ends_of_subscriptions(customer_id)
    return [
        _read(line, invoice_id=data["id"], ends=ends)
        for data in _final_invoices(customer_id)
        for line in line_data(data)
        if line_price_id(line)
    ]


def _ends_of_subscriptions(customer_id: str) -> dict[str, datetime]:
    stored = Subscription.objects.filter(customer__id=customer_id).values_list("id", "stripe_data")
    return {id_: _instant(data["ended_at"]) for id_, data in stored if data.get("ended_at")}


def _subscription_of(line: Mapping[str, Any]) -> str:
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return str(details.get("subscription") or "")


def _by_invoice(lines: Iterable[_Line]) -> Mapping[str, int]:
    quantities: dict[str, int] = defaultdict(int)
    for line in lines:
        quantities[line.invoice_id] += line.quantity
    return quantities


def _read(line: Mapping[str, Any], *, invoice_id: str, ends: Mapping[str, datetime]) -> _Line:
    """Read a metered line. One of a subscription that ended at once may include the second of its end."""
    ends_at = _instant(line["period"]["end"])
    return _Line(
        invoice_id=invoice_id,
        price_id=line_price_id(line),
        starts_at=_instant(line["period"]["start"]),
        ends_at=min(ends_at, ends.get(_subscription_of(line), ends_at)),
        quantity=int(line_quantity(line)),
        amount=line["amount"],
        unit=line_unit_minor(line) or Decimal(0),
    )


def _periods_by_price(
    organization_id: int, periods: Collection[datetime], *, items: Iterable[tuple[Kind, datetime]]
) -> dict[str, set[datetime]]:
    """Return the periods in which each of Stripe's prices was used, closed ones too: those about the given ones.

    Of the given periods `items` tell, since late usage is on no line. No line is longer than a month.
    """
    found: dict[str, set[datetime]] = defaultdict(set)
    if not periods:
        return found
    used = DailyUsage.objects.filter(
        organization_id=organization_id,
        trial=False,
        period_starts_at__range=(min(periods) - LONGEST_LINE, max(periods) + LONGEST_LINE),
    )
    columns = ("plan_id", "priced_at", "model", "period_starts_at")
    for plan_id, priced_at, model, period in used.order_by(*columns).values_list(*columns).distinct():
        prices = price_list(plan_id=plan_id, priced_at=priced_at)
        for (priced_model, _), price_id in prices.stripe_price_ids.items():
            if priced_model == model and period not in periods:
                found[price_id].add(period)
    for kind, period in items:
        found[kind.stripe_price_id].add(period)
    return found


def _lines_for(price_id: str, period: datetime, *, lines: Iterable[_Line], periods: Sequence[datetime]) -> list[_Line]:
    """Return the lines that bill a period at a price. `periods` are all in which the price was used, in order."""
    return [line for line in lines if line.price_id == price_id and line.period_billed(periods) == period]


def _wrong_amount(line: _Line, kind: Kind) -> str:
    right = round_to_cents(EXACT.multiply(kind.unit_minor, line.quantity))
    if (line.amount, line.unit) == (right, kind.unit_minor):
        return ""
    return (
        f"{line.amount} cents at {line.unit:f} in place of {right} at {kind.unit_minor:f} "
        f"for {measured(kind.event_name, line.quantity)}"
    )


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)
