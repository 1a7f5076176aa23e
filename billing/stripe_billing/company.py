"""A company's details at Stripe: they are on its invoices, and decide its tax."""

from typing import Any

from django.conf import settings
from djstripe import models as djstripe

from billing.stripe_billing.client import StripeRejected, client, translate_stripe_errors

# The custom field of invoices (docs.stripe.com/api/customers/object, "invoice_settings.custom_fields").
PURCHASE_ORDER = "PO number"
# Stripe's code where tax is to be automatic and nobody knows the customer's place.
PLACE_UNKNOWN = "customer_tax_location_invalid"


def automatic_tax() -> dict[str, Any]:
    """Return the parameters that have Stripe work out tax, where the operator chose so."""
    return {"automatic_tax": {"enabled": True}} if settings.STRIPE_TAX else {}


def lacks_place(error: StripeRejected) -> bool:
    """Tell whether Stripe refused since it does not know the customer's place."""
    return error.code == PLACE_UNKNOWN


def change_details(*, customer_id: str, address: dict[str, str], purchase_order: str) -> None:
    """Change a customer's address and purchase order number. Raises StripeUnavailable, StripeRejected."""
    fields = [{"name": PURCHASE_ORDER, "value": purchase_order}] if purchase_order else ""
    params: Any = {
        "address": address if any(address.values()) else "",
        "invoice_settings": {"custom_fields": fields},
    }
    with translate_stripe_errors():
        djstripe.Customer.sync_from_stripe_data(client().v1.customers.update(customer_id, params))


def change_tax_id(*, customer_id: str, kind: str, value: str) -> None:
    """Let a tax id be the only one of a customer; an empty one takes all away.

    The new one is made first, so that a wrong one leaves what was there. Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        api = client().v1.customers.tax_ids
        known = {each.id: (each.type, each.value) for each in api.list(customer_id).data}
        if value and (kind, value) not in known.values():
            made: Any = {"type": kind, "value": value}
            djstripe.TaxId.sync_from_stripe_data(api.create(customer_id, made))
        for tax_id, (its_kind, its_value) in known.items():
            if (its_kind, its_value) != (kind, value):
                api.delete(customer_id, tax_id)
                djstripe.TaxId.objects.filter(id=tax_id).delete()


def set_tax_exempt(*, customer_id: str, tax_exempt: str) -> None:
    """Say how a customer is taxed: `none`, `exempt`, or `reverse`. Raises StripeUnavailable, StripeRejected."""
    params: Any = {"tax_exempt": tax_exempt}
    with translate_stripe_errors():
        djstripe.Customer.sync_from_stripe_data(client().v1.customers.update(customer_id, params))
