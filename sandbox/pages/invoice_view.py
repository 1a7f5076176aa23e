"""An invoice in words, for its hosted page, its PDF and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.pages.templates import amount, day
from sandbox.store import Json

_HEADLINES = {
    "draft": "{total}, not final yet",
    "open": "{due} due {due_on}",
    "paid": "{paid} paid {paid_on}",
    "void": "{total}, void",
    "uncollectible": "{due}, given up",
}


@dataclass(frozen=True)
class LineView:
    """One line. `unit_price` is empty where the line has none, as for a proration."""

    description: str
    period: str
    quantity: str
    unit_price: str
    amount: str


@dataclass(frozen=True)
class InvoiceView:
    """An invoice ready to print. `sums` are labels with amounts; the last is the amount due."""

    id: str
    number: str
    status: str
    headline: str
    seller: str
    buyer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[LineView, ...]
    sums: tuple[tuple[str, str], ...]
    footer: str
    payable: bool


def view(invoice: Json) -> InvoiceView:
    """Describe the stored invoice in words."""
    return InvoiceView(
        id=invoice["id"],
        number=invoice["number"] or "Draft",
        status=invoice["status"],
        headline=_headline(invoice),
        seller=invoice["account_name"],
        buyer=tuple(_buyer(invoice)),
        facts=tuple(_facts(invoice)),
        lines=tuple(_line(line) for line in invoice["_lines"]),
        sums=tuple(_sums(invoice)),
        footer=invoice["footer"] or "",
        payable=invoice["status"] in ("open", "uncollectible") and invoice["amount_remaining"] > 0,
    )


def _headline(invoice: Json) -> str:
    return _HEADLINES[invoice["status"]].format(
        total=amount(invoice["total"], invoice["currency"]),
        due=amount(invoice["amount_remaining"], invoice["currency"]),
        paid=amount(invoice["amount_paid"], invoice["currency"]),
        due_on=day(invoice["due_date"] or invoice["effective_at"]),
        paid_on=day(invoice["status_transitions"]["paid_at"]),
    )


def _buyer(invoice: Json) -> list[str]:
    address = invoice["customer_address"] or {}
    city = " ".join(address[part] for part in ("postal_code", "city", "state") if address.get(part))
    lines = [invoice["customer_name"], address.get("line1"), address.get("line2"), city, address.get("country")]
    return [line for line in (*lines, invoice["customer_email"]) if line]


def _facts(invoice: Json) -> list[tuple[str, str]]:
    return [
        ("Invoice number", invoice["number"] or "–"),
        ("Date of issue", day(invoice["effective_at"] or invoice["created"])),
        ("Date due", day(invoice["due_date"] or invoice["effective_at"])),
        ("Billing period", _period(invoice["period_start"], invoice["period_end"])),
        *((field["name"], field["value"]) for field in invoice["custom_fields"] or []),
        *(("Tax ID", f"{tax_id['value']} ({tax_id['type']})") for tax_id in invoice["customer_tax_ids"]),
    ]


def _line(line: Json) -> LineView:
    unit = (line["pricing"] or {}).get("unit_amount_decimal")
    return LineView(
        description=line["description"] or "",
        period=_period(line["period"]["start"], line["period"]["end"]),
        quantity=f"{int(line['quantity'] or 0):,}",
        unit_price="" if unit is None else amount(unit, line["currency"]),
        amount=amount(line["amount"], line["currency"]),
    )


def _sums(invoice: Json) -> list[tuple[str, str]]:
    currency = invoice["currency"]
    sums = [("Subtotal", amount(invoice["subtotal"], currency))]
    if discount := sum(entry["amount"] for entry in invoice["total_discount_amounts"]):
        sums.append(("Discount", amount(-discount, currency)))
    credited = [entry for entry in invoice["total_pretax_credit_amounts"] if entry["type"] != "discount"]
    if credit := sum(entry["amount"] for entry in credited):
        sums.append(("Credits applied", amount(-credit, currency)))
    if tax := sum(entry["amount"] for entry in invoice["total_taxes"]):
        sums.append(("Tax", amount(tax, currency)))
    sums.append(("Total", amount(invoice["total"], currency)))
    if balance := invoice["starting_balance"]:
        sums.append(("Applied balance", amount(balance, currency)))
    if invoice["amount_paid"]:
        sums.append(("Amount paid", amount(-invoice["amount_paid"], currency)))
    noted = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if noted:
        sums.append(("Credit notes", amount(-noted, currency)))
    return [*sums, ("Amount due", amount(invoice["amount_remaining"], currency))]


def _period(start: int, end: int) -> str:
    return day(start) if day(start) == day(end) else f"{day(start)} – {day(end)}"
