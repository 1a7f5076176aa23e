"""The lines of a bill, each exactly and as Stripe rounds it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from billing import spend
from billing.models import LateUsage
from billing.money import EXACT, format_cents, format_exact, round_to_cents
from billing.plans.measures import Kind
from billing.tokens import TokenClass

REST = "On other lines, or corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """A line of `quantity` units at `unit_minor` cents each. `unit_price` shows the price of tokens per thousand.

    `parts` are the tokens of a line by spend, which Stripe does not round by themselves. `product_id` is that of the
    product at Stripe, by which discounts find their lines; a line of an invoice item has none.
    """

    description: str
    detail: str
    quantity: int
    unit_minor: Decimal
    unit_price: str
    parts: tuple["BillLine", ...] = ()
    product_id: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether its quantity tells a person something: units of spend are so many that they do not."""
        return self.unit_minor != spend.UNIT_MINOR

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


def tokens_line(kind: Kind, *, tokens: int) -> BillLine:
    """Return the line for tokens of a kind that is not spend."""
    return usage_line(
        model=kind.model, token_class=TokenClass(kind.token_class), tokens=tokens, per_token_minor=kind.unit_minor
    )


def spend_line(*, units: int, parts: tuple[BillLine, ...]) -> BillLine:
    """Return the line of all usage of a plan by spend."""
    return BillLine(
        description="Usage",
        detail=", ".join(dict.fromkeys(part.detail for part in parts if part.detail)),
        quantity=units,
        unit_minor=spend.UNIT_MINOR,
        unit_price="",
        parts=parts,
    )


def parts_of(tokens: Mapping[Kind, int], *, units: int) -> tuple[BillLine, ...]:
    """Return the parts of a line of `units` of spend: tokens by model, class and price.

    Where Stripe counts another total, because usage is on other lines or was corrected, a last part tells the rest.
    """
    parts = [tokens_line(kind, tokens=count) for kind, count in in_order(tokens)]
    rest = units - sum(spend.units_of(part.exact_minor) for part in parts)
    if rest:
        parts.append(replace(spend_line(units=rest, parts=()), description=REST))
    return tuple(parts)


def in_order(quantities: Mapping[Kind, int]) -> list[tuple[Kind, int]]:
    """Return quantities without those of nothing, by model, in the order that classes have everywhere, and by price."""
    order = ["", *TokenClass]
    kept = [(kind, quantity) for kind, quantity in quantities.items() if quantity]
    return sorted(kept, key=lambda each: (each[0].model, order.index(each[0].token_class), each[0]))


def late_line(row: LateUsage) -> BillLine:
    """Return the line of late usage, which is on the invoice by an item of its own."""
    return BillLine(
        description=row.title,
        detail=f"{f'{row.model} on' if row.model else 'On'} {row.plan}. {row.get_reason_display()}.",
        quantity=row.quantity,
        unit_minor=row.unit_minor,
        unit_price=format_rate(row.unit_minor) if row.model else "",
    )


def base_name(plan_name: str) -> str:
    """Name the base price of a plan, on the running bill and on invoices."""
    return f"{plan_name}, monthly base"


def base_line(*, plan_name: str, base_minor: Decimal, detail: str, product_id: str = "") -> BillLine:
    """Return the line for a month of a plan's base price, in cents."""
    return BillLine(
        description=base_name(plan_name),
        detail=detail,
        quantity=1,
        unit_minor=base_minor,
        unit_price=format_exact(base_minor),
        product_id=product_id,
    )


def move_line(*, description: str, amount_minor: int) -> BillLine:
    """Return the line of a base price that an admin's move changed within the period: a credit, or a charge."""
    return BillLine(
        description=description,
        detail="Changed within the period",
        quantity=1,
        unit_minor=Decimal(amount_minor),
        unit_price=format_exact(amount_minor),
    )


def format_rate(per_token_minor: Decimal) -> str:
    """Show a price of tokens per thousand, in dollars: 0.00013 cents a token is "$0.0013 / 1k"."""
    return f"{format_exact(EXACT.multiply(per_token_minor, Decimal(1000)))} / 1k"
