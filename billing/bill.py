"""The current bill: what the open billing period comes to so far, exactly and as Stripe will charge it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain

from djstripe.models import Subscription

from billing.models import BillingAccount, DailyUsage
from billing.money import EXACT, format_cents, format_exact, round_to_cents
from billing.periods import Period, period_at
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """`quantity` units at `unit_minor` cents each. Tokens are priced per thousand where a person reads it."""

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


@dataclass(frozen=True, slots=True)
class CurrentBill(Bill):
    """The bill of the billing period that is open."""

    period: Period


def current_bill(*, account: BillingAccount, now: datetime) -> CurrentBill:
    """Return what the invoice at the end of the account's current period comes to so far. `now` is billing time.

    Stripe bills the base in advance and usage in arrears: the invoice that closes a period holds its usage and the
    base of the next one. Free requests are on no bill. Reads posted usage, which is seconds behind the ledger.
    """
    account.enter_period(now=now)
    usage = DailyUsage.objects.filter(
        organization_id=account.organization_id, period_starts_at=account.period_starts_at, trial=False
    )
    return CurrentBill(period=account.period, lines=(*_base_lines(account), *_usage_lines(usage)))


def usage_line(*, model: str, token_class: TokenClass, tokens: int, per_token_minor: Decimal) -> BillLine:
    """Return the line for `tokens` of one class of one model at `per_token_minor` cents each."""
    return BillLine(
        description=f"{token_class.label} tokens",
        detail=model,
        quantity=tokens,
        unit_minor=per_token_minor,
        unit_price=format_rate(per_token_minor),
    )


def base_line(*, plan_name: str, base_minor: Decimal, detail: str) -> BillLine:
    """Return the line for a month of a plan's base price, in cents."""
    return BillLine(
        description=f"{plan_name}, monthly base",
        detail=detail,
        quantity=1,
        unit_minor=base_minor,
        unit_price=format_exact(base_minor),
    )


def format_rate(per_token_minor: Decimal) -> str:
    """Show a price of tokens per thousand, in dollars: 0.00013 cents a token is "$0.0013 / 1k"."""
    return f"{format_exact(EXACT.multiply(per_token_minor, Decimal(1000)))} / 1k"


def _base_lines(account: BillingAccount) -> Iterable[BillLine]:
    ends = account.cancel_at is not None and account.cancel_at <= account.period_ends_at
    if account.status == BillingAccount.Status.TRIAL or ends:
        return
    following = period_at(anchor=account.anchor_at, instant=account.period_ends_at)
    yield base_line(
        plan_name=account.plan.name,
        base_minor=_base_minor(account),
        detail=f"{following.starts_at:%-d %b %Y} to {following.ends_at:%-d %b %Y}, in advance",
    )


def _base_minor(account: BillingAccount) -> Decimal:
    """Return the base the subscription was made at, which an edited plan leaves as it is; unknown, the plan's own."""
    stored = Subscription.objects.filter(id=account.stripe_subscription_id).first()
    items = stored.stripe_data["items"]["data"] if stored else []
    licensed = [item for item in items if item["price"]["recurring"]["usage_type"] == "licensed"]
    if not licensed:
        return Decimal(account.plan.base_price_minor)
    amounts = (Decimal(str(item["price"]["unit_amount_decimal"])) * item["quantity"] for item in licensed)
    return sum(amounts, Decimal(0))


def _usage_lines(rows: Iterable[DailyUsage]) -> list[BillLine]:
    """Add rows up by model, token class and price, as Stripe's invoice has one line for each metered price."""
    tokens: dict[tuple[str, TokenClass, Decimal], int] = defaultdict(int)
    for key, count in chain.from_iterable(_priced(row) for row in rows):
        tokens[key] += count
    order = list(TokenClass)
    keys = sorted(tokens, key=lambda key: (key[0], order.index(key[1]), key[2]))
    return [
        usage_line(
            model=model,
            token_class=token_class,
            tokens=tokens[(model, token_class, rate)],
            per_token_minor=rate,
        )
        for model, token_class, rate in keys
    ]


def _priced(row: DailyUsage) -> Iterable[tuple[tuple[str, TokenClass, Decimal], int]]:
    rates = price_list(plan_id=row.plan_id, priced_at=row.priced_at).rates.get(row.model, {})
    usage = row.usage
    return (
        ((row.model, token_class, rate), usage.of(token_class))
        for token_class, rate in rates.items()
        if usage.of(token_class)
    )
