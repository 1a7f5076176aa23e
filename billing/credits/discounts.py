"""A discount that Stripe takes off an organization's invoices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.money import format_cents, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A percentage or an amount in cents, off the lines of some products, or of all where it names none.

    `ends_at` is None where it has no end, or ends with the next invoice that it makes smaller.
    """

    id: str
    name: str
    percent_off: Decimal | None
    amount_off_minor: int
    ends_at: datetime | None
    products: frozenset[str]

    @property
    def label(self) -> str:
        """The discount as bills and invoices name it."""
        return discount_label(name=self.name, percent_off=self.percent_off, amount_off_minor=self.amount_off_minor)

    def covers(self, instant: datetime) -> bool:
        """Tell whether an invoice made at an instant has it."""
        return self.ends_at is None or instant < self.ends_at


def discount_label(*, name: str, percent_off: Decimal | None, amount_off_minor: int) -> str:
    """Name a discount by its promotion code or its coupon, and its size."""
    size = f"{plain(percent_off):f} %" if percent_off is not None else format_cents(amount_off_minor)
    return f"Discount {name}, {size} off" if name else f"Discount, {size} off"


def read_discount(data: Mapping[str, Any], *, currency: str) -> Discount | None:
    """Return a discount as it is kept in `InvoiceTerms`; None for one in another currency."""
    if data["percent_off"] is None and data["currency"] != currency:
        return None
    return Discount(
        id=data["id"],
        name=data["code"] or data["name"],
        percent_off=None if data["percent_off"] is None else Decimal(data["percent_off"]),
        amount_off_minor=data["amount_off"] or 0,
        ends_at=datetime.fromtimestamp(data["end"], tz=UTC) if data["end"] else None,
        products=frozenset(data["products"]),
    )
