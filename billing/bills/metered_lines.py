"""The lines of final invoices that bill metered usage, and the period whose usage each of them bills.

Stripe tells a line's time in whole seconds, lets it begin with the month where a switch came between, and lets the last
line of a subscription end with or after the second of its end. So times alone do not tell lines of bills that began and
ended within a minute apart.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from djstripe.models import Invoice, Subscription

from billing.bills.invoices import line_data
from billing.models import BillingAccount, EndedBill
from billing.stripe_billing.stored import line_price_id, line_quantity, line_unit_minor

# A void invoice billed its usage too: an operator chose to take none of the money.
FINAL = ("open", "paid", "uncollectible", "void")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredLine:
    """One line with a price. Its time is of whole seconds, `amount` and `unit` are in cents.

    `by_switch` tells whether a change of the subscription made it. `last_bill_at` is when the last bill of its
    subscription began, where that ended at once.
    """

    invoice_id: str
    price_id: str
    starts_at: datetime
    ends_at: datetime
    by_switch: bool
    last_bill_at: datetime | None
    quantity: int
    amount: int
    unit: Decimal

    def period_billed(self, periods: Sequence[datetime], *, taken: Collection[datetime] = ()) -> datetime | None:
        """Return the period whose usage the line bills, of those in order in which its price was used; None if none.

        That is the newest within the line that no line before bills: an earlier one was billed by the switch's own
        invoice. Of those that began in one second the oldest was invoiced first.
        """
        within = [period for period in periods if self._holds(period)]
        for some in (within, [period for period in periods if self._ends_with(period)]):
            if free := [period for period in some if period not in taken]:
                return next(period for period in free if _second(period) == _second(free[-1]))
        return within[-1] if within else None

    def overlaps(self, first: datetime, last: datetime) -> bool:
        """Tell whether the line's time and the one between two instants have some in common."""
        return self.starts_at <= last and first <= self.ends_at

    def _holds(self, period: datetime) -> bool:
        second = _second(period)
        in_time = self.starts_at <= second < self.ends_at or second == self.starts_at
        return in_time and not self._is_of_another_subscription(period)

    def _ends_with(self, period: datetime) -> bool:
        """Tell whether a period began in the line's last second: its own if it lasted no longer, or else the next."""
        closed = self.by_switch or self.last_bill_at is not None
        return closed and _second(period) == self.ends_at and not self._is_of_another_subscription(period)

    def _is_of_another_subscription(self, period: datetime) -> bool:
        return self.last_bill_at is not None and period > self.last_bill_at


def final_invoices(customer_id: str) -> list[Mapping[str, Any]]:
    """Return a customer's final invoices as Stripe tells them, oldest first; none for an empty id."""
    if not customer_id:
        return []
    rows = Invoice.objects.filter(customer__id=customer_id).order_by("created", "djstripe_id")
    return [row.stripe_data for row in rows if row.stripe_data["status"] in FINAL]


def lines_by_price(account: BillingAccount) -> dict[str, list[MeteredLine]]:
    """Return the lines of an account's final invoices by the id of their price, those that end first in front."""
    customer_id, found = account.stripe_customer_id, defaultdict(list)
    ends, last_bills = _ends_of_subscriptions(customer_id), _last_bills(account)
    for data in final_invoices(customer_id):
        for line in line_data(data):
            if price_id := line_price_id(line):
                found[price_id].append(_read(line, invoice_id=data["id"], ends=ends, last_bills=last_bills))
    return {price_id: sorted(lines, key=lambda line: line.ends_at) for price_id, lines in found.items()}


def by_period(lines: Iterable[MeteredLine], *, periods: Sequence[datetime]) -> dict[datetime | None, list[MeteredLine]]:
    """Return the lines of one price by the period that they bill, under None those that bill none of the periods.

    The lines are in the order of their ends, the periods all those in order in which the price was used.
    """
    found: dict[datetime | None, list[MeteredLine]] = defaultdict(list)
    taken: set[datetime] = set()
    for line in lines:
        period = line.period_billed(periods, taken=taken)
        found[period].append(line)
        if period and line.quantity:
            taken.add(period)
    return found


def instant(timestamp: int) -> datetime:
    """Return the instant of Stripe's unix seconds."""
    return datetime.fromtimestamp(timestamp, tz=UTC)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _ends_of_subscriptions(customer_id: str) -> dict[str, datetime]:
    stored = Subscription.objects.filter(customer__id=customer_id).values_list("id", "stripe_data")
    return {id_: instant(data["ended_at"]) for id_, data in stored if data.get("ended_at")}


def _last_bills(account: BillingAccount) -> dict[str, datetime]:
    """Return when the last bill began of each subscription that ended at once: later bills are not its own."""
    bills = EndedBill.objects.filter(organization_id=account.organization_id).order_by("id")
    return dict(bills.values_list("stripe_subscription_id", "starts_at"))


def _read(
    line: Mapping[str, Any], *, invoice_id: str, ends: Mapping[str, datetime], last_bills: Mapping[str, datetime]
) -> MeteredLine:
    """Read a line. One of a subscription that ended at once may include the second of its end."""
    ends_at, subscription_id = instant(line["period"]["end"]), _subscription_of(line)
    return MeteredLine(
        invoice_id=invoice_id,
        price_id=line_price_id(line),
        starts_at=instant(line["period"]["start"]),
        ends_at=min(ends_at, ends.get(subscription_id, ends_at)),
        by_switch=(line.get("parent") or {}).get("type") == "invoice_item_details",
        last_bill_at=last_bills.get(subscription_id),
        quantity=int(line_quantity(line)),
        amount=line["amount"],
        unit=line_unit_minor(line) or Decimal(0),
    )


def _subscription_of(line: Mapping[str, Any]) -> str:
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return str(details.get("subscription") or "")
