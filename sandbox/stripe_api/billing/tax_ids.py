"""Customers' tax ids (https://docs.stripe.com/api/tax_ids): shown on invoices, and a reason for reverse charge."""

from __future__ import annotations

import re

from sandbox.store import Json
from sandbox.stripe_api.protocol import ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, no_such
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

# The forms of the commonest kinds (https://docs.stripe.com/billing/customer/tax-ids). Others are taken as they are.
FORMS = {
    "au_abn": r"[0-9]{11}",
    "ca_gst_hst": r"[0-9]{9}RT[0-9]{4}",
    "ch_vat": r"CHE-?[0-9]{3}\.?[0-9]{3}\.?[0-9]{3} ?(MWST|TVA|IVA)",
    "eu_vat": r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z]{2,12}",
    "gb_vat": r"(GB|XI)([0-9]{9}|[0-9]{12})",
    "jp_trn": r"T[0-9]{13}",
    "no_vat": r"[0-9]{9}MVA",
    "us_ein": r"[0-9]{2}-?[0-9]{7}",
}
_MOST = 5
_PATH = "/v1/customers/{customer}/tax_ids"


@endpoint("POST", _PATH, "CustomerCreateTaxIdParams", "type value")
def create(world: World, params: Params, customer: str) -> Json:
    """Give a customer a tax id. Raises InvalidRequest for one that its kind cannot be, and above five."""
    world.get("customer", customer)
    kind, value = params["type"], params["value"].strip()
    if not re.fullmatch(FORMS.get(kind, r".{1,50}"), value):
        raise InvalidRequest(f"Invalid value for {kind}.", code="tax_id_invalid", param="value")
    if len(world.find("tax_id", customer=customer)) >= _MOST:
        raise InvalidRequest(f"A customer can have at most {_MOST} tax IDs.")
    return world.add(_document(world, customer, kind, value), event="customer.tax_id.created")


@endpoint("GET", f"{_PATH}/{{tax_id}}", "CustomerRetrieveTaxIdParams")
def retrieve(world: World, params: Params, customer: str, tax_id: str) -> Json:
    """Return one of a customer's tax ids."""
    return _own(world, customer, tax_id)


@endpoint("DELETE", f"{_PATH}/{{tax_id}}", "CustomerDeleteTaxIdParams")
def delete(world: World, params: Params, customer: str, tax_id: str) -> Json:
    """Delete one. Invoices that are final keep showing it."""
    doc = _own(world, customer, tax_id)
    world.store.delete(tax_id)
    world.emit("customer.tax_id.deleted", doc)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


@endpoint("GET", _PATH, "CustomerListTaxIdsParams", LISTING)
def list_all(world: World, params: Params, customer: str) -> Json:
    """List a customer's tax ids, newest first."""
    world.get("customer", customer)
    return lists.listing(
        world, "tax_id", params, url=f"/v1/customers/{customer}/tax_ids", filters={"customer": customer}
    )


def shown_on(world: World, customer: str) -> list[Json]:
    """Return a customer's tax ids as an invoice shows them."""
    found = world.store.find("tax_id", {"customer": customer}, oldest_first=True)
    return [{"type": doc["type"], "value": doc["value"]} for doc in found]


@includable("customer", "tax_ids")
def _tax_ids(world: World, customer: Json) -> Json:
    found = [world.render(doc) for doc in world.find("tax_id", customer=customer["id"])]
    return lists.sublist(found, url=f"/v1/customers/{customer['id']}/tax_ids")


def _own(world: World, customer: str, tax_id: str) -> Json:
    doc = world.get("tax_id", tax_id)
    if doc["customer"] != customer:
        raise no_such("tax ID", tax_id)
    return doc


def _document(world: World, customer: str, kind: str, value: str) -> Json:
    checked = kind == "eu_vat"
    return {
        "id": ids.new("txi"),
        "object": "tax_id",
        "country": value[:2] if checked else kind[:2].upper(),
        "created": world.now,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "owner": {"customer": customer, "customer_account": None, "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {
            "status": "verified" if checked else "unavailable",
            "verified_address": None,
            "verified_name": None,
        },
    }
