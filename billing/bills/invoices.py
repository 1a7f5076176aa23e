"""Invoices as Stripe made them, read from dj-stripe's rows. Stripe is never called to show one.

dj-stripe's own helpers misread this API version, so everything is read from `stripe_data`
(docs.stripe.com/api/invoices/object, docs.stripe.com/api/invoice-line-item/object).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from djstripe.models import Invoice, LineItem

from billing import spend
from billing.bills.adjustments import adjustments_of
from billing.bills.lines import BillLine, base_name, format_rate, spend_line
from billing.bills.spend_parts import parts_of_line
from billing.credits.refunds import refunded_of
from billing.models import PlanPrice, PlanVersion
from billing.money import EXACT, format_cents, format_exact
from billing.periods import Period
from billing.stripe_billing.stored import line_price_id, line_quantity, line_unit_minor
from billing.tokens import TokenClass

OWED, DRAFT = "Open", "Draft"
HALF_A_CENT = Decimal("0.5")
NEWEST_FIRST = ("-created", "-djstripe_id")
TONES = {"draft": "plain", "open": "warn", "paid": "good", "uncollectible": "bad", "void": "plain"}


class InvoiceNotFound(Exception):
    """The customer has no such invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSummary:
    """One row of the list of invoices. Links are empty until Stripe has made them. `credited` is by credit notes.

    `refunded` is what was paid back without one. `attempted` tells whether Stripe tried to collect it.
    """

    stripe_id: str
    number: str
    status: str
    tone: str
    period: Period
    days: str
    total: str
    total_minor: int
    unpaid_minor: int
    attempted: bool
    credited_minor: int
    credited: str
    refunded_minor: int
    refunded: str
    currency: str
    hosted_url: str
    pdf_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line: its exact amount, and the amount that Stripe charges. `parts` are the tokens of a line by spend."""

    description: str
    detail: str
    quantity: Decimal
    unit_price: str
    exact_minor: Decimal
    charged_minor: int
    is_counted: bool = True
    parts: tuple[BillLine, ...] = ()

    @property
    def exact(self) -> str:
        """The exact amount, as text."""
        return format_exact(self.exact_minor)

    @property
    def charged(self) -> str:
        """The charged amount, as text."""
        return format_cents(self.charged_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDetail:
    """An invoice with its lines, without those of no tokens, which the current bill leaves out too.

    `steps` are labels with amounts on the way to the total: none where the lines are the total. `adjustments_minor` is
    their sum.
    """

    summary: InvoiceSummary
    lines: tuple[InvoiceLine, ...]
    exact_minor: Decimal
    exact: str
    adjustments_minor: int
    steps: tuple[tuple[str, str], ...]

    @property
    def is_final(self) -> bool:
        """Whether its lines can change no more."""
        return self.summary.status != DRAFT


def invoices_of(*, customer_id: str) -> list[InvoiceSummary]:
    """Return a Stripe customer's invoices, newest first; none for an empty id."""
    if not customer_id:
        return []
    found = list(Invoice.objects.filter(customer__id=customer_id).order_by(*NEWEST_FIRST))
    refunded = refunded_of(invoice.id for invoice in found)
    return [summary_of(invoice.stripe_data, refunded_minor=refunded.get(invoice.id, 0)) for invoice in found]


def open_invoices_of(*, customer_id: str) -> list[InvoiceSummary]:
    """Return the invoices that a customer has to pay, newest first; none for an empty id."""
    if not customer_id:
        return []
    rows = Invoice.objects.filter(customer__id=customer_id, stripe_data__status="open").order_by(*NEWEST_FIRST)
    return [summary_of(invoice.stripe_data) for invoice in rows]


def unpaid_notice(invoices: Iterable[InvoiceSummary]) -> str:
    """Say what is owed on several invoices, and which of them decides; nothing for fewer than two.

    Stripe's subscription follows its newest invoice (docs.stripe.com/billing/subscriptions/overview#unpaid).
    """
    owed = [invoice for invoice in invoices if invoice.status == OWED and invoice.unpaid_minor > 0]
    if len(owed) < 2:
        return ""
    total = format_cents(sum(invoice.unpaid_minor for invoice in owed))
    return (
        f"{len(owed)} invoices are unpaid, {total} together. Each is paid by itself, and none contains another. "
        f"The newest, {owed[0].number}, decides whether the plan goes on."
    )


def invoice_of(*, customer_id: str, invoice_id: str) -> InvoiceDetail:
    """Return one of a Stripe customer's invoices with its lines. Raises InvoiceNotFound, also for a stranger's."""
    invoice = Invoice.objects.filter(customer__id=customer_id, id=invoice_id).first() if customer_id else None
    if invoice is None:
        raise InvoiceNotFound
    data = invoice.stripe_data
    lines = lines_of(data)
    exact = sum((line.exact_minor for line in lines), Decimal(0))
    adjustments = data["total"] - sum(line.charged_minor for line in lines)
    return InvoiceDetail(
        summary=summary_of(data, refunded_minor=refunded_of([invoice_id]).get(invoice_id, 0)),
        lines=lines,
        exact_minor=exact,
        exact=format_exact(exact),
        adjustments_minor=adjustments,
        steps=_steps(data, lines_minor=data["total"] - adjustments, adjustments=adjustments),
    )


def _steps(data: Mapping[str, Any], *, lines_minor: int, adjustments: int) -> tuple[tuple[str, str], ...]:
    """Return the steps as a page shows them. What Stripe does not explain is the last one."""
    known = adjustments_of(data)
    rest = adjustments - sum(amount for _, amount in known)
    steps = [*known, ("Other adjustments", rest)]
    shown = [(label, format_cents(amount)) for label, amount in steps if amount]
    return (("Sum of the rounded lines", format_cents(lines_minor)), *shown) if shown else ()


def lines_of(data: Mapping[str, Any]) -> tuple[InvoiceLine, ...]:
    """Return the lines of an invoice from Stripe's data, without empty ones."""
    return _lines(line_data(data), customer_id=data["customer"])


def summary_of(data: Mapping[str, Any], *, refunded_minor: int = 0) -> InvoiceSummary:
    """Return an invoice as lists show it, from Stripe's data."""
    status = data["status"] or "draft"
    period = _period(data["period_start"], data["period_end"])
    notes = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")
    credited = sum(data.get(name) or 0 for name in notes)
    return InvoiceSummary(
        stripe_id=data["id"],
        number=data["number"] or "Draft",
        status=status.capitalize(),
        tone=TONES[status],
        period=period,
        days=_days(period),
        total=format_cents(data["total"]),
        total_minor=data["total"],
        unpaid_minor=data["amount_remaining"],
        attempted=bool(data.get("attempted")),
        credited_minor=credited,
        credited=format_cents(credited) if credited else "",
        refunded_minor=refunded_minor,
        refunded=format_cents(refunded_minor) if refunded_minor else "",
        currency=data["currency"],
        hosted_url=data.get("hosted_invoice_url") or "",
        pdf_url=data.get("invoice_pdf") or "",
    )


def line_data(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return all lines. Stripe's invoice holds the first ten; dj-stripe stores every line as a row."""
    lines = data["lines"]
    if not lines["has_more"]:
        return list(lines["data"])
    stored = LineItem.objects.filter(stripe_data__invoice=data["id"]).order_by("djstripe_id")
    return [line.stripe_data for line in stored]


def _lines(lines: list[Mapping[str, Any]], *, customer_id: str) -> tuple[InvoiceLine, ...]:
    found = PlanPrice.objects.filter(stripe_price_id__in=_price_ids(lines)).select_related("plan")
    prices = {price.stripe_price_id: price for price in found}
    plans = _bases(lines)
    read = (
        _line_by_spend(line, customer_id=customer_id)
        if (price := prices.get(line_price_id(line))) and price.plan.by_spend
        else _line(line, price=price, plan_name=plans.get(line_price_id(line), ""))
        for line in lines
    )
    return tuple(line for line in read if line.quantity or line.charged_minor)


def _bases(lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of the plans whose base prices are on lines, by price id."""
    versions = PlanVersion.objects.filter(stripe_base_price_id__in=_price_ids(lines))
    return dict(versions.values_list("stripe_base_price_id", "plan__name"))


def _line(line: Mapping[str, Any], *, price: PlanPrice | None, plan_name: str = "") -> InvoiceLine:
    quantity = line_quantity(line)
    unit_minor = _unit_minor(line, quantity=quantity)
    exact_minor = Decimal(line["amount"]) if unit_minor is None else EXACT.multiply(quantity, unit_minor)
    is_counted = unit_minor != spend.UNIT_MINOR
    days = _days(_period(line["period"]["start"], line["period"]["end"]))
    # A proration of a base price keeps Stripe's words, which say what it is.
    if plan_name and (line.get("parent") or {}).get("type") == "subscription_item_details" and unit_minor is not None:
        description, detail = base_name(plan_name), f"{days}, in advance"
    elif price:
        description, detail = f"{TokenClass(price.token_class).label} tokens", price.model
    else:
        description, detail = line["description"] or "", days
    return InvoiceLine(
        description=description,
        detail=detail,
        quantity=quantity,
        unit_price=_unit_price(unit_minor, metered=price is not None) if is_counted else "",
        exact_minor=exact_minor,
        charged_minor=line["amount"],
        is_counted=is_counted,
    )


def _line_by_spend(line: Mapping[str, Any], *, customer_id: str) -> InvoiceLine:
    units = int(line_quantity(line))
    period = _period(line["period"]["start"], line["period"]["end"])
    parts = parts_of_line(customer_id=customer_id, starts_at=period.starts_at, ends_at=period.ends_at, units=units)
    shown = spend_line(units=units, parts=parts)
    return InvoiceLine(
        description=shown.description,
        detail=shown.detail,
        quantity=Decimal(units),
        unit_price=shown.unit_price,
        exact_minor=shown.exact_minor,
        charged_minor=line["amount"],
        is_counted=shown.is_counted,
        parts=parts,
    )


def _unit_minor(line: Mapping[str, Any], *, quantity: Decimal) -> Decimal | None:
    """Return the unit price in cents; None where the amount is not quantity times price, rounded to a cent.

    A proration carries the price of a whole month beside the amount of a part, whichever way its `parent` is told.
    """
    unit_minor = line_unit_minor(line)
    if unit_minor is None:
        return None
    off_by_minor = EXACT.subtract(EXACT.multiply(quantity, unit_minor), Decimal(line["amount"]))
    return unit_minor if abs(off_by_minor) <= HALF_A_CENT else None


def _unit_price(unit_minor: Decimal | None, *, metered: bool) -> str:
    if unit_minor is None:
        return ""
    return format_rate(unit_minor) if metered else format_exact(unit_minor)


def _price_ids(lines: Iterable[Mapping[str, Any]]) -> set[str]:
    return {line_price_id(line) for line in lines} - {""}


def _period(starts_at: int, ends_at: int) -> Period:
    return Period(starts_at=datetime.fromtimestamp(starts_at, tz=UTC), ends_at=datetime.fromtimestamp(ends_at, tz=UTC))


def _days(period: Period) -> str:
    """Show a period's days. The first invoice of a subscription covers one day."""
    first, last = f"{period.starts_at:%-d %b %Y}", f"{period.ends_at:%-d %b %Y}"
    return first if first == last else f"{first} to {last}"
