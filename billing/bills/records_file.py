"""An invoice's file of records: every request it bills, with the arithmetic, each row chained to the one before.

`verify_bill.py` beside this module recomputes the invoice from the file, and needs nothing else.
"""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from billing import spend
from billing.bills.invoice_records import BilledRecord, billed_records, exact_units, item_id, late_items
from billing.bills.invoices import line_data
from billing.models import BillingAccount, LateUsage, Plan, PlanPrice
from billing.money import EXACT, plain
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass, column_of
from common.rest.csv_table import safe_cell

VERIFIER = Path(__file__).with_name("verify_bill.py")
PRICED = [name for token_class in TokenClass for name in (column_of(token_class), f"{token_class.value}_cents")]
COLUMNS = [
    "row",
    "kind",
    "id",
    "at",
    "plan",
    "priced_at",
    "model",
    "metering",
    *PRICED,
    "exact_cents",
    "charged_cents",
    "note",
    "hash",
]
# Tokens of one price: (model, token class, cents a token). By spend there is one price, of a unit.
Price = tuple[str, str, Decimal]
BY_SPEND: Price = ("", "", spend.UNIT_MINOR)
ZERO = Decimal(0)


def records_file(*, account: BillingAccount, data: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the file of a final invoice, as Stripe tells it, in pieces of a few hundred kilobytes.

    Rows: `invoice`; a `record` or `late` row a request; `elsewhere` where other invoices bill some of these tokens; a
    `line` for each line of the invoice; `adjustment` for tax and discounts; `total`. Amounts are in cents.
    """
    chain = _Chain()
    yield f"{','.join(COLUMNS)}\n".encode()
    yield chain.row(kind="invoice", id=data["id"], at=data["currency"], note=data["number"] or "")
    late, told = late_items(account=account, data=data), defaultdict[Price, int](int)
    plans = dict(Plan.objects.values_list("id", "name"))
    for records in billed_records(account=account, data=data, late=late):
        yield b"".join(chain.row(**_record(each, plans=plans, told=told)) for each in records)
    lines = list(_lines(data, late=late))
    yield b"".join(chain.row(**_elsewhere(price, tokens)) for price, tokens in _rest(lines, told=told))
    yield b"".join(chain.row(**line) for _, _, line in lines)
    adjustments = data["total"] - sum(line["charged_cents"] for _, _, line in lines)
    if adjustments:
        yield chain.row(kind="adjustment", charged_cents=adjustments, note="Tax, discounts and other adjustments")
    yield chain.row(kind="total", charged_cents=data["total"])


class _Chain:
    """Rows, each with the SHA-256 of the hash before it and its own text up to the last comma."""

    def __init__(self) -> None:
        self._row, self._hash = 0, ""

    def row(self, **cells: object) -> bytes:
        """Return the next row of the file."""
        self._row += 1
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([self._row, *(_cell(cells.get(name)) for name in COLUMNS[1:-1])])
        text = out.getvalue()
        self._hash = hashlib.sha256(f"{self._hash}{text}".encode()).hexdigest()
        return f"{text},{self._hash}\n".encode()


def _cell(value: object) -> str:
    """Return a value on one line. Text that looks like a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{plain(value):f}"
    return " ".join(safe_cell(value).split()) if isinstance(value, str) else str(value)


def _record(billed: BilledRecord, *, plans: Mapping[int, str], told: dict[Price, int]) -> dict[str, object]:
    record = billed.record
    prices = price_list(plan_id=record.plan_id, priced_at=record.priced_at)
    rates = prices.rates[record.model]
    tokens = {each: record.usage.tokens_of(each) for each in TokenClass if each in billed.classes}
    counts = {(record.model, each.value, rates[each]): count for each, count in tokens.items() if count}
    cells = _priced(counts)
    for price, count in counts.items() if not prices.by_spend else ():
        told[price] += count
    if prices.by_spend:
        told[BY_SPEND] += spend.units_of(Decimal(str(cells["exact_cents"])))
    tools = ", ".join(f"{name} {count}" for name, count in sorted(record.server_tool_use.items()))
    remarks = [record.outcome, "counted from what came" if record.estimated else "", f"free: {tools}" if tools else ""]
    return {
        "kind": "late" if billed.late else "record",
        "id": record.request_id,
        "at": f"{record.settled_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "plan": plans[record.plan_id],
        "priced_at": f"{record.priced_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "model": record.model,
        "metering": "spend" if prices.by_spend else "tokens",
        **cells,
        "note": "; ".join(filter(None, remarks)),
    }


def _priced(counts: Mapping[Price, int]) -> dict[str, object]:
    """Return the cells of tokens, their prices, and their exact cost."""
    cells: dict[str, object] = {}
    cost = ZERO
    for (_, token_class, rate), count in counts.items():
        cells[column_of(TokenClass(token_class))], cells[f"{token_class}_cents"] = count, rate
        cost = EXACT.add(cost, EXACT.multiply(rate, count))
    return {**cells, "exact_cents": cost}


def _sold(price: Price, quantity: int) -> dict[str, object]:
    """Return the cells of a quantity of one price: tokens and their cost, or the cost alone where it is spend."""
    if price == BY_SPEND:
        return {"metering": "spend", "exact_cents": EXACT.multiply(spend.UNIT_MINOR, quantity)}
    return {"model": price[0], "metering": "tokens", **_priced({price: quantity})}


def _lines(
    data: Mapping[str, Any], *, late: Mapping[str, LateUsage]
) -> Iterator[tuple[Price | None, int, dict[str, Any]]]:
    """Yield every line with its price and quantity, and its row; without them where it bills no usage."""
    lines = line_data(data)
    ids = {_price_id(line) for line in lines} - {""}
    found = PlanPrice.objects.filter(stripe_price_id__in=ids).select_related("plan")
    prices = {price.stripe_price_id: price for price in found}
    for line in lines:
        billed = prices.get(_price_id(line)) or late.get(item_id(line))
        cells = {"kind": "line", "charged_cents": line["amount"], "note": line["description"] or ""}
        quantity, rate = exact_units(line)
        if billed is None:
            yield None, 0, cells
        elif quantity:
            price = BY_SPEND if _is_spend(billed) else (billed.model, billed.token_class, rate)
            yield price, quantity, {**cells, **_sold(price, quantity)}


def _is_spend(billed: PlanPrice | LateUsage) -> bool:
    return billed.plan.by_spend if isinstance(billed, PlanPrice) else not billed.token_class


def _price_id(line: Mapping[str, Any]) -> str:
    return str(((line.get("pricing") or {}).get("price_details") or {}).get("price") or "")


def _rest(
    lines: Iterable[tuple[Price | None, int, Mapping[str, Any]]], *, told: Mapping[Price, int]
) -> Sequence[tuple[Price, int]]:
    """Return what the lines bill more or less than the records tell, by price."""
    rest: dict[Price, int] = defaultdict(int)
    for price, tokens, _ in lines:
        if price:
            rest[price] += tokens
    for price, tokens in told.items():
        rest[price] -= tokens
    return [(price, tokens) for price, tokens in rest.items() if tokens]


def _elsewhere(price: Price, tokens: int) -> dict[str, object]:
    note = "Billed by another invoice." if tokens < 0 else "Billed here, and not found among the requests."
    return {"kind": "elsewhere", **_sold(price, tokens), "note": note}
