"""The current bill: the cost of the open billing period so far, exactly and as Stripe will charge it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from billing.bills.charges import Charge, ChargeTerms, charge_of
from billing.bills.lines import (
    Bill,
    BillLine,
    base_line,
    in_order,
    late_line,
    move_line,
    parts_of,
    spend_line,
    tokens_line,
)
from billing.bills.spend_parts import tokens_by_spend
from billing.credits.balance import credits_at, grants_left
from billing.credits.reckoning import Item
from billing.credits.terms import kept_terms
from billing.models import BillingAccount, CreditGrant, DailyUsage, LateUsage, PlanMove
from billing.periods import Period, period_at
from billing.plans.measures import add_up, kind_of, measures_of
from billing.stripe_billing.stored import price_unit_minor
from billing.stripe_copies import copies_of

# Late usage that no coming invoice has: it was invoiced by itself, or Stripe refused it.
NOT_COMING = [LateUsage.State.INVOICED, LateUsage.State.REJECTED]


@dataclass(frozen=True, slots=True)
class CurrentBill(Bill):
    """The bill of the billing period that is open. `items` are its lines in whole cents, `terms` what changes them.

    `usage` are the period's daily totals, those of free requests among them; `grants` the credits that are left.
    """

    period: Period
    usage: tuple[DailyUsage, ...]
    grants: tuple[CreditGrant, ...]
    items: tuple[Item, ...]
    terms: ChargeTerms

    @property
    def charge(self) -> Charge:
        """The way from the lines to the amount that is taken."""
        return charge_of(self.items, **self.terms)

    @property
    def charged_minor(self) -> int:
        """The amount Stripe will take: the rounded lines, less discounts and credits, with the customer's balance."""
        return self.charge.due_minor


def current_bill(*, account: BillingAccount, now: datetime) -> CurrentBill:
    """Return the invoice that will end the account's current period, as far as usage goes. `now` is billing time.

    Stripe bills the base in advance and usage in arrears, so that invoice holds this period's usage and the next
    period's base. Free requests are on no bill. It reads posted usage, which is seconds behind the ledger.
    """
    account.enter_period(now=now)
    copies, grants = copies_of(account), tuple(grants_left(account.organization_id))
    usage = tuple(
        DailyUsage.objects.filter(
            organization_id=account.organization_id, period_starts_at=account.period_starts_at
        ).order_by("id")
    )
    unmetered, coming = _late_usage(account)
    used = _usage_lines((row for row in usage if not row.trial), unmetered=unmetered)
    moved, others = [*_moved_base_lines(account)], [*map(late_line, coming)]
    base = [*_base_lines(account, subscription=copies.subscription)]
    discounts, taxes = kept_terms(account)
    items = (
        *(_item(line) for line in base),
        *(_item(line, is_usage=True) for line in used),
        *(_item(line, is_proration=True) for line in moved),
        *(_item(line) for line in others),
    )
    return CurrentBill(
        period=account.period,
        usage=usage,
        grants=grants,
        lines=(*base, *moved, *used, *others),
        items=items,
        terms=ChargeTerms(
            discounts=[each for each in discounts if each.covers(account.period_ends_at)],
            taxes=taxes,
            credit_minor=credits_at(account, account.period_ends_at, grants=grants),
            balance_minor=copies.customer.get("balance") or 0,
        ),
    )


def _item(line: BillLine, *, is_usage: bool = False, is_proration: bool = False) -> Item:
    return Item(left_minor=line.charged_minor, is_usage=is_usage, product_id=line.product_id, is_proration=is_proration)


def _moved_base_lines(account: BillingAccount) -> Iterable[BillLine]:
    """Yield what moves within the period left for the next invoice of the base, which a subscription alone has."""
    if not account.stripe_subscription_id:
        return
    moves = PlanMove.objects.filter(
        organization_id=account.organization_id,
        base_moved_at__gte=account.period_starts_at,
        base_moved_at__lt=account.period_ends_at,
    )
    for move in moves.order_by("base_moved_at", "id"):
        for line in move.base_lines:
            yield move_line(description=line["description"], amount_minor=line["amount"])


def _late_usage(account: BillingAccount) -> tuple[list[LateUsage], list[LateUsage]]:
    """Return the period's usage that is in no meter, and the late usage that the coming invoice has."""
    late = LateUsage.objects.filter(organization_id=account.organization_id).order_by("id").select_related("plan")
    unmetered = Q(period_starts_at=account.period_starts_at, reason=LateUsage.Reason.CHANGED)
    rows = list(late.filter(unmetered | Q(bill_starts_at=account.period_starts_at)))
    return (
        [
            row
            for row in rows
            if row.period_starts_at == account.period_starts_at and row.reason == LateUsage.Reason.CHANGED
        ],
        [row for row in rows if row.bill_starts_at == account.period_starts_at and row.state not in NOT_COMING],
    )


def _base_lines(account: BillingAccount, *, subscription: Mapping[str, Any]) -> Iterable[BillLine]:
    ends = account.cancel_at is not None and account.cancel_at <= account.period_ends_at
    if account.status == BillingAccount.Status.TRIAL or ends:
        return
    following = period_at(anchor=account.anchor_at, instant=account.period_ends_at)
    yield base_line(
        plan_name=account.plan.name,
        base_minor=_base_minor(account, subscription=subscription),
        detail=f"{following.starts_at:%-d %b %Y} to {following.ends_at:%-d %b %Y}, in advance",
        product_id=account.plan.stripe_product_id,
    )


def _base_minor(account: BillingAccount, *, subscription: Mapping[str, Any]) -> Decimal:
    """Return the base price of the subscription, or the plan's own while the subscription is not synced."""
    items = subscription["items"]["data"] if subscription else []
    licensed = [item for item in items if item["price"]["recurring"]["usage_type"] == "licensed"]
    if not licensed:
        return Decimal(account.plan.base_price_minor)
    amounts = (price_unit_minor(item["price"]) * item["quantity"] for item in licensed)
    return sum(amounts, Decimal(0))


def _usage_lines(rows: Iterable[DailyUsage], *, unmetered: Iterable[LateUsage]) -> list[BillLine]:
    """Add rows up by model, token class and price, or by spend: Stripe's invoice has a line for each metered price.

    Late usage that is in no meter has lines of its own.
    """
    rows = list(rows)
    quantities = add_up(each for row in rows for each in measures_of(row))
    for late in unmetered:
        quantities[kind_of(late)] -= late.quantity
    return [
        replace(
            spend_line(units=quantity, parts=parts_of(tokens_by_spend(rows), units=quantity))
            if kind.is_spend
            else tokens_line(kind, tokens=quantity),
            product_id=kind.product_id,
        )
        for kind, quantity in in_order(quantities)
    ]
