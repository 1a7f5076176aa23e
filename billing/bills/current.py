"""The current bill: the cost of the open billing period so far, exactly and as Stripe will charge it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from djstripe.models import Customer, StripeModel, Subscription

from billing.bills.charges import Charge, charge_of
from billing.bills.lines import Bill, BillLine, base_line, late_line, usage_line
from billing.models import BillingAccount, DailyUsage, LateUsage
from billing.periods import Period, period_at
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass

# Late usage that no coming invoice has: it was invoiced by itself, or Stripe refused it.
NOT_COMING = [LateUsage.State.INVOICED, LateUsage.State.REJECTED]


@dataclass(frozen=True, slots=True)
class CurrentBill(Bill):
    """The bill of the billing period that is open. `discounted` where Stripe takes a discount off that is not in it."""

    period: Period
    charge: Charge
    discounted: bool

    @property
    def charged_minor(self) -> int:
        """The amount Stripe will take: the rounded lines, less credits, with the customer's balance."""
        return self.charge.due_minor


def current_bill(*, account: BillingAccount, now: datetime) -> CurrentBill:
    """Return the invoice that will end the account's current period, as far as usage goes. `now` is billing time.

    Stripe bills the base in advance and usage in arrears, so that invoice holds this period's usage and the next
    period's base. Free requests are on no bill. It reads posted usage, which is seconds behind the ledger.
    """
    account.enter_period(now=now)
    usage = DailyUsage.objects.filter(
        organization_id=account.organization_id, period_starts_at=account.period_starts_at, trial=False
    )
    late = LateUsage.objects.filter(organization_id=account.organization_id).order_by("id").select_related("plan")
    unmetered = late.filter(period_starts_at=account.period_starts_at, reason=LateUsage.Reason.CHANGED)
    coming = late.filter(bill_starts_at=account.period_starts_at).exclude(state__in=NOT_COMING)
    used, others = _usage_lines(usage, unmetered=unmetered), [*map(late_line, coming)]
    base = [*_base_lines(account)]
    customer = _stored(Customer, account.stripe_customer_id)
    subscription = _stored(Subscription, account.stripe_subscription_id)
    return CurrentBill(
        period=account.period,
        lines=(*base, *used, *others),
        charge=charge_of(
            usage_minor=sum(line.charged_minor for line in used),
            other_minor=sum(line.charged_minor for line in (*base, *others)),
            credit_minor=account.credit_minor,
            balance_minor=customer.get("balance") or 0,
        ),
        discounted=bool(customer.get("discount") or subscription.get("discounts")),
    )


def _stored(model: type[StripeModel], object_id: str) -> Mapping[str, Any]:
    """Return what Stripe last told of an object; nothing where it was not synced."""
    found = model.objects.filter(id=object_id).values_list("stripe_data", flat=True).first() if object_id else None
    return found or {}


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
    """Return the base price of the subscription, or the plan's own while the subscription is not synced."""
    stored = _stored(Subscription, account.stripe_subscription_id)
    items = stored["items"]["data"] if stored else []
    licensed = [item for item in items if item["price"]["recurring"]["usage_type"] == "licensed"]
    if not licensed:
        return Decimal(account.plan.base_price_minor)
    amounts = (Decimal(str(item["price"]["unit_amount_decimal"])) * item["quantity"] for item in licensed)
    return sum(amounts, Decimal(0))


def _usage_lines(rows: Iterable[DailyUsage], *, unmetered: Iterable[LateUsage]) -> list[BillLine]:
    """Add rows up by model, token class and price: Stripe's invoice has one line for each metered price.

    Late usage that is in no meter has lines of its own.
    """
    tokens: dict[tuple[str, TokenClass, Decimal], int] = defaultdict(int)
    for key, count in chain.from_iterable(_priced(row) for row in rows):
        tokens[key] += count
    for late in unmetered:
        tokens[(late.model, TokenClass(late.token_class), late.per_token_minor)] -= late.tokens
    order = list(TokenClass)
    keys = sorted((key for key in tokens if tokens[key]), key=lambda key: (key[0], order.index(key[1]), key[2]))
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
        ((row.model, token_class, rate), usage.tokens_of(token_class))
        for token_class, rate in rates.items()
        if usage.tokens_of(token_class)
    )
