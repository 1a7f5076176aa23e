"""Stripe's books of one customer, read over Stripe's own API."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tests.flows.product import Product
from tests.flows.wire import send

# The event names of the meters.
HAIKU_INPUT, HAIKU_OUTPUT = "rgent_claude_haiku_5_5_input_tokens", "rgent_claude_haiku_5_5_output_tokens"
# Any key of Stripe's form opens the sandbox.
KEY = "sk_test_" + "reader00" * 4


@dataclass(frozen=True)
class Line:
    """One line of an invoice: cents before and after rounding. The base has no meter."""

    metered: bool
    quantity: Decimal
    unit_amount: Decimal
    amount_minor: int

    @property
    def exact_minor(self) -> Decimal:
        """Return the line's cost before rounding, in cents."""
        return self.quantity * self.unit_amount


@dataclass(frozen=True)
class Invoice:
    """An invoice. Amounts are in cents."""

    id: str
    status: str
    reason: str
    total_minor: int
    paid_minor: int
    lines: list[Line]

    @property
    def usage_lines(self) -> list[Line]:
        """Return the lines of tokens, those of none left out, in order of their price."""
        return sorted(
            (line for line in self.lines if line.metered and line.quantity), key=lambda line: line.exact_minor
        )

    @property
    def base_lines(self) -> list[Line]:
        """Return the lines of the monthly base."""
        return [line for line in self.lines if not line.metered]


class StripeBooks:
    """Reads one customer's invoices and meters, found by their e-mail."""

    def __init__(self, product: Product, *, email: str) -> None:
        self._product = product
        self.customer_id: str = self._list("customers", email=email)[0]["id"]

    def invoices(self) -> list[Invoice]:
        """Return the customer's invoices, the newest first."""
        return [_invoice(data) for data in self._list("invoices", customer=self.customer_id, limit="100")]

    def meters(self) -> dict[str, int]:
        """Return the tokens that the customer's meters hold, by event name."""
        path = f"/meter_totals?customer={self.customer_id}"
        totals = self._product.sandbox.control("GET", path)["totals"]
        return {row["event_name"]: int(Decimal(str(row["value"]))) for row in totals}

    def _list(self, kind: str, **query: str) -> list[Any]:
        answer = send(
            "GET",
            f"{self._product.sandbox.url}/v1/{kind}?{urlencode(query)}",
            headers={"authorization": f"Bearer {KEY}"},
        )
        assert answer.status == 200, answer.body
        return list(answer.json()["data"])


def _invoice(data: dict[str, Any]) -> Invoice:
    return Invoice(
        id=data["id"],
        status=data["status"],
        reason=data["billing_reason"],
        total_minor=data["total"],
        paid_minor=data["amount_paid"],
        lines=[_line(line) for line in data["lines"]["data"]],
    )


def _line(data: dict[str, Any]) -> Line:
    unit_amount = Decimal(data["pricing"]["unit_amount_decimal"])
    return Line(
        # Fractions of a cent are prices of tokens; the base is whole dollars.
        metered=unit_amount < 1,
        quantity=Decimal(data["quantity_decimal"]),
        unit_amount=unit_amount,
        amount_minor=data["amount"],
    )
