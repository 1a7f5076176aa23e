"""The usage that Stripe's invoices bill, beside the usage that the ledger says they must."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from djstripe.models import Invoice

from billing.bills.invoices import line_data
from billing.models import BillingAccount, DailyUsage, LateUsage, PlanPrice
from billing.money import EXACT, round_to_cents
from billing.plans.price_lists import prices_as_of
from billing.tokens import TokenClass, TokenUsage

# A void invoice billed its usage too: an operator chose to take none of the money.
FINAL = ("open", "paid", "uncollectible", "void")
LONGEST_LINE = timedelta(days=32)
Terms = tuple[int, datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledUsage:
    """The tokens of one price and period: used, and on final invoices. `wrong_amounts` are sentences.

    Versions of a plan may share a price: `instants` are those of the versions it was used at. `on_invoices` are the
    tokens that metered lines bill, by the invoice's id.
    """

    price: PlanPrice
    instants: tuple[datetime, ...]
    period_starts_at: datetime
    used: int
    billed: int
    billed_late: int
    on_invoices: Mapping[str, int]
    wrong_amounts: tuple[str, ...]

    @property
    def priced_at(self) -> datetime:
        """The instant of the newest version."""
        return max(self.instants)

    @property
    def has_line(self) -> bool:
        """Whether any final invoice has a line of this price and period."""
        return bool(self.on_invoices)

    @property
    def missing(self) -> int:
        """The tokens that no invoice bills; below zero where too many are billed."""
        return self.used - self.billed

    @property
    def missing_minor(self) -> int:
        """The cents that were charged too little."""
        rate = self.price.per_token_minor
        return round_to_cents(EXACT.multiply(rate, self.used)) - round_to_cents(EXACT.multiply(rate, self.billed))


@dataclass(frozen=True, slots=True)
class _Line:
    invoice_id: str
    price_id: str
    starts_at: datetime
    ends_at: datetime
    tokens: int
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


def billed_usage(*, account: BillingAccount, usage: Mapping[tuple[Terms, datetime], TokenUsage]) -> list[BilledUsage]:
    """Compare what was used, by terms and period, with what final invoices bill of it, for every price.

    Late usage that an invoice item of its own bills counts as billed.
    """
    periods = {period for _, period in usage}
    used = _used(account.organization_id, usage)
    by_price = _periods_by_price(account.organization_id, periods)
    lines = _lines(account.stripe_customer_id)
    missed = _late(account.organization_id, periods, reason=LateUsage.Reason.MISSED)
    found = []
    for (price, period), (tokens, instants) in used.items():
        of_price = by_price[price.stripe_price_id] | {period}
        own = _lines_for(price.stripe_price_id, period, lines=lines, periods=sorted(of_price))
        billed_late = sum(missed.get((_terms(price, each), price.token_class, period), 0) for each in instants)
        found.append(
            BilledUsage(
                price=price,
                instants=tuple(instants),
                period_starts_at=period,
                used=tokens,
                billed=sum(line.tokens for line in own) + billed_late,
                billed_late=billed_late,
                on_invoices=_by_invoice(own),
                wrong_amounts=tuple(filter(None, (_wrong_amount(line, price) for line in own))),
            )
        )
    return found


def _terms(price: PlanPrice, priced_at: datetime) -> Terms:
    return (price.plan_id, priced_at, price.model)


def _used(
    organization_id: int, usage: Mapping[tuple[Terms, datetime], TokenUsage]
) -> dict[tuple[PlanPrice, datetime], tuple[int, list[datetime]]]:
    """Return the tokens that metered items must bill and the instants of their price lists, by price and period."""
    unmetered = _late(organization_id, {period for _, period in usage}, reason=LateUsage.Reason.CHANGED)
    used: dict[tuple[PlanPrice, datetime], tuple[int, list[datetime]]] = {}
    for (terms, period), tokens in usage.items():
        for price in _prices(terms):
            count = tokens.tokens_of(TokenClass(price.token_class))
            count -= unmetered.get((terms, price.token_class, period), 0)
            if count:
                before, instants = used.get((price, period), (0, []))
                used[(price, period)] = (before + count, [*instants, terms[1]])
    return used


def _prices(terms: Terms) -> list[PlanPrice]:
    """Return the price of each token class that a price list has for a model."""
    plan_id, priced_at, model = terms
    return [price for price in prices_as_of(plan_id=plan_id, priced_at=priced_at) if price.model == model]


def _late(
    organization_id: int, periods: Collection[datetime], *, reason: LateUsage.Reason
) -> dict[tuple[Terms, str, datetime], int]:
    rows = LateUsage.objects.filter(organization_id=organization_id, period_starts_at__in=periods, reason=reason)
    tokens: dict[tuple[Terms, str, datetime], int] = defaultdict(int)
    for row in rows.order_by("id"):
        tokens[((row.plan_id, row.priced_at, row.model), row.token_class, row.period_starts_at)] += row.tokens
    return tokens


def _final_invoices(customer_id: str) -> Iterable[Mapping[str, Any]]:
    if not customer_id:
        return []
    rows = Invoice.objects.filter(customer__id=customer_id).order_by("created", "djstripe_id")
    return (row.stripe_data for row in rows if row.stripe_data["status"] in FINAL)


def _lines(customer_id: str) -> list[_Line]:
    return [
        _read(line, invoice_id=data["id"])
        for data in _final_invoices(customer_id)
        for line in line_data(data)
        if _price_of(line)
    ]


def _by_invoice(lines: Iterable[_Line]) -> Mapping[str, int]:
    tokens: dict[str, int] = defaultdict(int)
    for line in lines:
        tokens[line.invoice_id] += line.tokens
    return tokens


def _price_of(line: Mapping[str, Any]) -> str:
    return str(((line.get("pricing") or {}).get("price_details") or {}).get("price") or "")


def _read(line: Mapping[str, Any], *, invoice_id: str) -> _Line:
    return _Line(
        invoice_id=invoice_id,
        price_id=_price_of(line),
        starts_at=_instant(line["period"]["start"]),
        ends_at=_instant(line["period"]["end"]),
        tokens=int(Decimal(str(line.get("quantity_decimal") or line["quantity"] or 0))),
        amount=line["amount"],
        unit=Decimal(str(line["pricing"]["unit_amount_decimal"] or 0)),
    )


def _periods_by_price(organization_id: int, periods: Collection[datetime]) -> dict[str, set[datetime]]:
    """Return the periods in which each of Stripe's prices was used, closed ones too: those about the given ones.

    No line is longer than a month.
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
        for price in _prices((plan_id, priced_at, model)):
            found[price.stripe_price_id].add(period)
    return found


def _lines_for(price_id: str, period: datetime, *, lines: Iterable[_Line], periods: Sequence[datetime]) -> list[_Line]:
    """Return the lines that bill a period at a price. `periods` are all in which the price was used, in order."""
    return [line for line in lines if line.price_id == price_id and line.period_billed(periods) == period]


def _wrong_amount(line: _Line, price: PlanPrice) -> str:
    right = round_to_cents(EXACT.multiply(price.per_token_minor, Decimal(line.tokens)))
    if (line.amount, line.unit) == (right, price.per_token_minor):
        return ""
    return (
        f"{line.amount} cents at {line.unit} in place of {right} at {price.per_token_minor} for {line.tokens:,} tokens"
    )


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)
