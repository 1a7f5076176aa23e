"""A month's invoices for the accountant: a row for each invoice and for each of its lines, as Stripe tells them."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from djstripe.models import Invoice

from billing.bills.invoices import line_data
from billing.bills.metered_lines import FINAL
from billing.money import to_dollars
from billing.periods import Period, add_months
from common.rest.csv_table import safe_cell

COLUMNS = [
    "kind",
    "finalized_on",
    "number",
    "invoice",
    "customer",
    "name",
    "email",
    "status",
    "description",
    "period_starts_on",
    "period_ends_on",
    "net",
    "tax",
    "credit",
    "total",
    "paid",
    "currency",
]
# Stripe finalizes a cycle's draft within 72 hours, and one may be held for longer: its creation is that much older.
OLDEST_DRAFT = timedelta(days=62)
CHUNK = 500


def month_of(text: str) -> Period:
    """Return a month of UTC, told as "2026-11". Raises ValueError."""
    starts_at = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    return Period(starts_at=starts_at, ends_at=add_months(anchor=starts_at, months=1))


def month_before(now: datetime) -> Period:
    """Return the last whole month."""
    begins_at = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(starts_at=add_months(anchor=begins_at, months=-1), ends_at=begins_at)


def accounting_file(*, month: Period) -> Iterator[bytes]:
    """Yield the invoices that were finalized in a month as CSV, in order of their creation. Amounts are in dollars.

    `net` is after discounts and before tax; `credit` is what billing credits paid; `total` = net + tax - credit. An
    invoice's row is the sum of its lines' rows; `paid` stands on it alone.
    """
    yield _text([COLUMNS])
    for invoices in _chunks(month):
        yield _text(row for data in invoices for row in _rows(data))


def _chunks(month: Period) -> Iterator[list[Mapping[str, Any]]]:
    rows = Invoice.objects.filter(created__gte=month.starts_at - OLDEST_DRAFT, created__lt=month.ends_at)
    after_id = 0
    while found := list(rows.filter(djstripe_id__gt=after_id).order_by("djstripe_id")[:CHUNK]):
        after_id = found[-1].djstripe_id
        data = [invoice.stripe_data for invoice in found]
        yield [each for each in data if each["status"] in FINAL and _finalized_at(each) in month]


def _finalized_at(data: Mapping[str, Any]) -> datetime:
    return _instant((data.get("status_transitions") or {}).get("finalized_at") or data["created"])


def _rows(data: Mapping[str, Any]) -> Iterator[list[str]]:
    about = [
        f"{_finalized_at(data):%Y-%m-%d}",
        data["number"] or "",
        data["id"],
        data["customer"],
        data.get("customer_name") or "",
        data.get("customer_email") or "",
        data["status"],
    ]
    lines = [(line, _amounts(line)) for line in line_data(data)]
    sums = [sum(amounts[place] for _, amounts in lines) for place in range(3)]
    period = [data["period_start"], data["period_end"]]
    yield _row("invoice", about, "", period, sums, paid=data["amount_paid"], currency=data["currency"])
    for line, amounts in lines:
        period = [line["period"]["start"], line["period"]["end"]]
        yield _row("line", about, line["description"] or "", period, amounts, paid=None, currency=data["currency"])


def _row(
    kind: str,
    about: Iterable[str],
    description: str,
    period: Iterable[int],
    amounts: Iterable[int],
    *,
    paid: int | None,
    currency: str,
) -> list[str]:
    net, tax, credit = amounts
    money = [_dollars(each) for each in (net, tax, credit, net + tax - credit)]
    days = [f"{_instant(each):%Y-%m-%d}" for each in period]
    words = [safe_cell(word) for word in (*about, description)]
    return [kind, *words, *days, *money, "" if paid is None else _dollars(paid), currency]


def _amounts(line: Mapping[str, Any]) -> tuple[int, int, int]:
    """Return a line's net, tax and credit in whole cents (docs.stripe.com/api/invoice-line-item/object)."""
    before = line.get("pretax_credit_amounts") or []
    credit = sum(each["amount"] for each in before if each.get("type") == "credit_balance_transaction")
    discount = sum(each["amount"] for each in line.get("discount_amounts") or [])
    taxes = line.get("taxes") or []
    inclusive = sum(each["amount"] for each in taxes if each.get("tax_behavior") == "inclusive")
    return line["amount"] - discount - inclusive, sum(each["amount"] for each in taxes), credit


def _dollars(cents: int) -> str:
    return f"{to_dollars(Decimal(cents)):.2f}"


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)


def _text(rows: Iterable[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
