"""The arithmetic of the proof: from the calls that Claude served to cents. It imports nothing of the product.

Prices are those of the price list that customers see, in cents a token. Each has a price of its own, so a price tells
model and token class.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

BASE_MINOR = 1000
FREE = "trial"
MODELS = {
    FREE: "claude-haiku-5-5",
    "pro_haiku": "claude-haiku-5-5",
    "pro_sonnet": "claude-sonnet-5-5",
    "team_haiku": "claude-haiku-5-5",
    "team_sonnet": "claude-sonnet-5-5",
}
# Plans metered by spend: one line counts units of this many cents.
BY_SPEND = ("team_haiku", "team_sonnet")
UNIT = Decimal("0.0000001")
COLUMNS = ("input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens", "output_tokens")


def _cents(*prices: str) -> dict[str, Decimal]:
    return dict(zip(COLUMNS, map(Decimal, prices), strict=True))


PRICES = {
    "claude-haiku-5-5": _cents("0.00013", "0.0001625", "0.00026", "0.000013", "0.00065"),
    "claude-sonnet-5-5": _cents("0.0005", "0.000625", "0.001", "0.00005", "0.002"),
}


@dataclass(slots=True)
class Call:
    """A call of a customer's: the plan as the product told it when the call began, and Claude's id of the answer.

    Instants are in the sandbox's time. Without an answer there is no message.
    """

    name: str
    plan: str
    model: str
    begun_at: datetime
    ended_at: datetime
    status: int
    message_id: str = ""
    over: list[str] = field(default_factory=list)

    @property
    def is_served(self) -> bool:
        """Tell whether Claude's answer came."""
        return self.status == 200

    @property
    def is_paid(self) -> bool:
        """Tell whether the call costs something."""
        return self.is_served and self.plan != FREE


def round_half_up(cents: Decimal) -> int:
    """Round to whole cents, halves away from zero, as Stripe does with each line."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def tokens(calls: Iterable[Call], *, served: Mapping[str, Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """Return the tokens of calls by model and class. `served` is Claude's ledger, by message id."""
    total: Counter[tuple[str, str]] = Counter()
    for call in calls:
        row = served[call.message_id]
        for column in COLUMNS:
            total[(str(row["model"]), column)] += int(row[column])
    return +total


def by_price(calls: Iterable[Call], *, served: Mapping[str, Mapping[str, Any]]) -> Counter[Decimal]:
    """Return what calls are billed by its price: tokens, or units of spend."""
    calls = list(calls)
    by_tokens = tokens((call for call in calls if call.plan not in BY_SPEND), served=served)
    by_spend = tokens((call for call in calls if call.plan in BY_SPEND), served=served)
    found = Counter({PRICES[model][column]: count for (model, column), count in by_tokens.items()})
    return found + Counter({UNIT: int(cost(by_spend) / UNIT)})


def cost(counts: Mapping[tuple[str, str], int]) -> Decimal:
    """Return the exact cost of tokens, in cents."""
    return sum((PRICES[model][column] * count for (model, column), count in counts.items()), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of one of Stripe's invoices. Instants are unix seconds, amounts whole cents."""

    invoice: str
    description: str
    unit: Decimal | None
    quantity: Decimal
    amount: int
    starts_at: int
    ends_at: int

    def __str__(self) -> str:
        first, last = (f"{datetime.fromtimestamp(at, tz=UTC):%m-%d %H:%M:%S}" for at in (self.starts_at, self.ends_at))
        return f"{self.invoice}: {self.quantity} x {self.unit} = {self.amount}, {first} to {last}, {self.description}"

    @property
    def is_usage(self) -> bool:
        """Tell usage from a base price: prices of tokens are parts of a cent."""
        return self.unit is not None and self.unit < 1


def line_of(data: Mapping[str, Any], *, invoice: str) -> Line:
    """Read a line as Stripe tells it."""
    unit = (data.get("pricing") or {}).get("unit_amount_decimal")
    return Line(
        invoice=invoice,
        description=data["description"] or "",
        unit=None if unit is None else Decimal(unit),
        quantity=Decimal(data["quantity_decimal"] or 0),
        amount=data["amount"],
        starts_at=data["period"]["start"],
        ends_at=data["period"]["end"],
    )


def wrong_amounts(lines: Iterable[Line]) -> list[str]:
    """Return a sentence for each usage line whose amount is not its tokens times its price, rounded once."""
    return [
        f"{line.invoice}: {line.quantity} x {line.unit} are {line.amount} cents"
        for line in lines
        if line.is_usage and line.unit is not None and round_half_up(line.quantity * line.unit) != line.amount
    ]


def wrong_bases(lines: Sequence[Line]) -> list[str]:
    """Return a sentence for each month of a base that was not charged once, and for each wrong part of one.

    A switch gives back the rest of the month, and charges it for the other plan: both begin and end in the same
    seconds, so they cancel out.
    """
    months = _months(line for line in lines if not line.is_usage)
    wrong = []
    for ends_at, parts in months.items():
        month_s = ends_at - min(line.starts_at for line in parts)
        for line in parts:
            right = _credits(line, parts) if line.amount < 0 else {_share(BASE_MINOR, line, month_s)}
            if line.amount not in right:
                wrong.append(f"{line.invoice}: {line.description} is {line.amount} cents in place of {right}")
        charged_s = sum(
            (line.ends_at - line.starts_at) * (1 if line.amount > 0 else -1) for line in parts if line.amount
        )
        if charged_s != month_s:
            wrong.append(f"the month that ends at {ends_at} is charged for {charged_s} of {month_s} seconds")
    return wrong


def _share(amount_minor: int, line: Line, whole_s: int) -> int:
    return round_half_up(Decimal(amount_minor * (line.ends_at - line.starts_at)) / whole_s)


def _credits(line: Line, parts: Sequence[Line]) -> set[int]:
    """Return what a credit may be: a share of the amount that was charged last, which was itself rounded.

    Stripe's flexible mode reckons so (docs.stripe.com/billing/subscriptions/billing-mode/compare, "Credit proration
    calculations"). Charges of one second may have come before the credit or with it.
    """
    charges = [part for part in parts if part.amount > 0 and part.starts_at <= line.starts_at]
    before = max((part.starts_at for part in charges if part.starts_at < line.starts_at), default=None)
    last = [part for part in charges if part.starts_at in (before, line.starts_at)]
    return {-_share(part.amount, line, part.ends_at - part.starts_at) for part in last}


def _months(lines: Iterable[Line]) -> Mapping[int, list[Line]]:
    months: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        months[line.ends_at].append(line)
    return months


def differences(name: str, *, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    """Return a sentence for each key whose figure differs. A figure that is absent is 0."""
    keys = sorted(set(expected) | set(found), key=str)
    return [
        f"{name}, {key}: {found.get(key, 0)} in place of {expected.get(key, 0)}"
        for key in keys
        if expected.get(key, 0) != found.get(key, 0)
    ]
