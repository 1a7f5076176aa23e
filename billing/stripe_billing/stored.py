"""Stripe's data as dj-stripe stored it, and the fields of it whose reading is a rule. Stripe is not asked."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from djstripe.models import StripeModel


def stored_data(model: type[StripeModel], object_id: str | None) -> Mapping[str, Any]:
    """Return the data that Stripe last told of an object; nothing where it told of none."""
    found = model.objects.filter(id=object_id).values_list("stripe_data", flat=True).first() if object_id else None
    return found or {}


def line_quantity(line: Mapping[str, Any]) -> Decimal:
    """Return the quantity of an invoice's line. A truncated `quantity` stands beside `quantity_decimal`, the exact one.

    docs.stripe.com/api/invoice-line-item/object
    """
    return Decimal(str(line.get("quantity_decimal") or line["quantity"] or 0))


def line_unit_minor(line: Mapping[str, Any]) -> Decimal | None:
    """Return the price of one unit of an invoice's line in cents; None where Stripe tells none."""
    unit = (line.get("pricing") or {}).get("unit_amount_decimal")
    return None if unit is None else Decimal(str(unit))


def line_price_id(line: Mapping[str, Any]) -> str:
    """Return the id of the price that an invoice's line bills; empty where it has none."""
    pricing = line.get("pricing") or {}
    return str((pricing.get("price_details") or {}).get("price") or "")


def price_unit_minor(price: Mapping[str, Any]) -> Decimal:
    """Return the cents of one unit of a price. `unit_amount` is null where they are not whole."""
    return Decimal(str(price["unit_amount_decimal"] or 0))
