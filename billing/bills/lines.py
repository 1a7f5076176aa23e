"""The lines of a bill, each exactly and as Stripe rounds it."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import LateUsage
from billing.money import EXACT, format_cents, format_exact, round_to_cents
from billing.tokens import TokenClass


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """A line of `quantity` units at `unit_minor` cents each. `unit_price` shows the price of tokens per thousand."""

    description: str
    detail: str
    quantity: int
    unit_minor: Decimal
    unit_price: str

    @property
    def exact_minor(self) -> Decimal:
        """The amount in exact cents."""
        return EXACT.multiply(self.unit_minor, self.quantity)

    @property
    def charged_minor(self) -> int:
        """The whole cents Stripe charges for this line."""
        return round_to_cents(self.exact_minor)

    @property
    def exact(self) -> str:
        """The exact amount, as text."""
        return format_exact(self.exact_minor)

    @property
    def charged(self) -> str:
        """The charged amount, as text."""
        return format_cents(self.charged_minor)


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines of an invoice to come."""

    lines: tuple[BillLine, ...]

    @property
    def exact_minor(self) -> Decimal:
        """The total in exact cents."""
        total = Decimal(0)
        for line in self.lines:
            total = EXACT.add(total, line.exact_minor)
        return total

    @property
    def charged_minor(self) -> int:
        """The total Stripe will charge: every line rounded to whole cents, then added."""
        return sum(line.charged_minor for line in self.lines)

    @property
    def exact(self) -> str:
        """The exact total, as text."""
        return format_exact(self.exact_minor)

    @property
    def charged(self) -> str:
        """The total Stripe will charge, as text."""
        return format_cents(self.charged_minor)


def usage_line(*, model: str, token_class: TokenClass, tokens: int, per_token_minor: Decimal) -> BillLine:
    """Return the line for `tokens` of one class of one model at `per_token_minor` cents each."""
    return BillLine(
        description=f"{token_class.label} tokens",
        detail=model,
        quantity=tokens,
        unit_minor=per_token_minor,
        unit_price=format_rate(per_token_minor),
    )


def late_line(row: LateUsage) -> BillLine:
    """Return the line of late usage, which is on the invoice by an item of its own."""
    return BillLine(
        description=f"{TokenClass(row.token_class).label} tokens",
        detail=f"{row.model} on {row.plan}. {row.get_reason_display()}.",
        quantity=row.tokens,
        unit_minor=row.per_token_minor,
        unit_price=format_rate(row.per_token_minor),
    )


def base_name(plan_name: str) -> str:
    """Name the base price of a plan, on the running bill and on invoices."""
    return f"{plan_name}, monthly base"


def base_line(*, plan_name: str, base_minor: Decimal, detail: str) -> BillLine:
    """Return the line for a month of a plan's base price, in cents."""
    return BillLine(
        description=base_name(plan_name),
        detail=detail,
        quantity=1,
        unit_minor=base_minor,
        unit_price=format_exact(base_minor),
    )


def format_rate(per_token_minor: Decimal) -> str:
    """Show a price of tokens per thousand, in dollars: 0.00013 cents a token is "$0.0013 / 1k"."""
    return f"{format_exact(EXACT.multiply(per_token_minor, Decimal(1000)))} / 1k"
