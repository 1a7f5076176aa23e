"""The tax on an organization's invoices, as Stripe works it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.money import plain

NOTES = {
    "reverse_charge": "Reverse charge: you account for the tax yourself.",
    "customer_exempt": "You are exempt from tax.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """One tax: a percentage on top of each line, or none for a `reason` of Stripe's."""

    name: str
    percent: Decimal
    reason: str

    @property
    def label(self) -> str:
        """The tax as bills and invoices name it."""
        return tax_label(name=self.name, percent=self.percent)

    @property
    def note(self) -> str:
        """The sentence on a bill without it; empty where it is charged."""
        return NOTES.get(self.reason, "")


def tax_label(*, name: str, percent: Decimal) -> str:
    """Name a tax by its kind and size: "VAT, 19 %"."""
    return f"{name}, {plain(percent):f} %"


def read_tax(data: Mapping[str, Any]) -> Tax:
    """Return a tax as it is kept in `InvoiceTerms`. One that is not charged is 0 %."""
    charged = data["reason"] not in NOTES and data["reason"] != "not_collecting"
    return Tax(
        name=data["name"],
        percent=Decimal(data["percent"]) if charged else Decimal(0),
        reason=data["reason"],
    )
