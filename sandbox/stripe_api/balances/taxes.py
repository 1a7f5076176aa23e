"""Automatic tax (https://docs.stripe.com/tax): a small table of rates by country, for an account that is registered in
all of them. Stripe knows thousands of places and kinds of goods.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from sandbox.store import Json
from sandbox.stripe_api.balances import discounts
from sandbox.stripe_api.protocol import lists, money
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@dataclass(frozen=True)
class Rate:
    """A country's rate in percent, and the kind of tax id that makes a business customer account for it itself."""

    percent: str
    tax_type: str = "vat"
    tax_id: str = "eu_vat"


RATES = {
    "AT": Rate("20"),
    "AU": Rate("10", "gst", "au_abn"),
    "BE": Rate("21"),
    "CA": Rate("5", "gst", "ca_gst_hst"),
    "CH": Rate("8.1", "vat", "ch_vat"),
    "DE": Rate("19"),
    "DK": Rate("25"),
    "ES": Rate("21"),
    "FR": Rate("20"),
    "GB": Rate("20", "vat", "gb_vat"),
    "IE": Rate("23"),
    "IT": Rate("22"),
    "JP": Rate("10", "jct", "jp_trn"),
    "NL": Rate("21"),
    "NO": Rate("25", "vat", "no_vat"),
    "PL": Rate("23"),
    "SE": Rate("25"),
}
_NOWHERE = Rate("0", "sales_tax", "")
_PREFIX = "txr_1Sandbox0000000000000"


@endpoint("GET", "/v1/tax_rates/{rate}", "TaxRateRetrieveParams")
def retrieve(world: World, params: Params, rate: str) -> Json:
    """Return one rate. One that a preview told of is made now, since a preview keeps nothing."""
    country = rate.removeprefix(_PREFIX)
    if rate.startswith(_PREFIX) and re.fullmatch(r"[A-Z]{2}", country):
        return _tax_rate(world, country, RATES.get(country, _NOWHERE))
    return world.get("tax_rate", rate)


@endpoint("GET", "/v1/tax_rates", "TaxRateListParams", f"{LISTING} active created inclusive")
def list_all(world: World, params: Params) -> Json:
    """List the rates that were used, newest first."""
    filters = {name: params.get(name) for name in ("active", "created", "inclusive")}
    return lists.listing(world, "tax_rate", params, url="/v1/tax_rates", filters=filters)


def automatic(*, enabled: bool) -> Json:
    """Return `automatic_tax` of a subscription, or of a new invoice."""
    return {"disabled_reason": None, "enabled": enabled, "liability": {"type": "self"} if enabled else None}


def check_location(customer: Json) -> None:
    """Raise InvalidRequest for a customer whose country is unknown, as Stripe does when tax is to be automatic."""
    if not country_of(customer):
        raise InvalidRequest(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            code="customer_tax_location_invalid",
            param="automatic_tax",
        )


def check_price(price: Json) -> None:
    """Raise InvalidRequest for a price that does not say whether tax is on top of it."""
    if price["tax_behavior"] == "unspecified":
        raise InvalidRequest(
            f"You must specify a tax_behavior for the price {price['id']}, since automatic tax is enabled."
        )
    if price["tax_behavior"] == "inclusive":
        raise not_simulated("prices that include tax")


def country_of(customer: Json) -> str:
    """Return the country of a customer's address; empty where it has none."""
    return str((customer["address"] or {}).get("country") or "")


def apply(world: World, invoice: Json) -> list[Json]:
    """Return the invoice's lines with their tax, which is on top of amounts less discounts and credits."""
    if not invoice["automatic_tax"]["enabled"]:
        return [{**line, "taxes": []} for line in invoice["_lines"]]
    customer = world.get("customer", invoice["customer"])
    if not country_of(customer):
        return [{**line, "taxes": []} for line in invoice["_lines"]]
    reason, rate = _rule(world, customer)
    tax_rate = _tax_rate(world, country_of(customer), rate)["id"]
    return [{**line, "taxes": [_tax(line, reason, rate, tax_rate)]} for line in invoice["_lines"]]


def state_of(world: World, invoice: Json) -> Json:
    """Return the invoice's `automatic_tax` as its customer's address lets it be."""
    if not invoice["automatic_tax"]["enabled"]:
        return dict(invoice["automatic_tax"])
    known = country_of(world.get("customer", invoice["customer"]))
    status = "complete" if known else "requires_location_inputs"
    return {**invoice["automatic_tax"], "provider": "stripe", "status": status}


def given_up(invoice: Json) -> Json:
    """Return `automatic_tax` of an invoice that must be finalized although its customer's place is unknown."""
    if invoice["automatic_tax"]["status"] != "requires_location_inputs":
        return dict(invoice["automatic_tax"])
    reason = "finalization_requires_location_inputs"
    return {**invoice["automatic_tax"], "disabled_reason": reason, "enabled": False, "status": None}


def total(lines: list[Json]) -> list[Json]:
    """Return an invoice's `total_taxes`: those of its lines, added up by rate and reason."""
    summed: dict[tuple[str, str], Json] = {}
    for tax in (tax for line in lines for tax in line["taxes"]):
        key = (tax["tax_rate_details"]["tax_rate"], tax["taxability_reason"])
        before = summed.get(key, {**tax, "amount": 0, "taxable_amount": 0})
        amounts = {name: before[name] + tax[name] for name in ("amount", "taxable_amount")}
        summed[key] = {**before, **amounts}
    return list(summed.values())


def _rule(world: World, customer: Json) -> tuple[str, Rate]:
    rate = RATES.get(country_of(customer))
    if rate is None:
        return "not_collecting", _NOWHERE
    if customer["tax_exempt"] == "exempt":
        return "customer_exempt", rate
    kinds = {doc["type"] for doc in world.find("tax_id", customer=customer["id"])}
    if customer["tax_exempt"] == "reverse" or rate.tax_id in kinds:
        return "reverse_charge", rate
    return "standard_rated", rate


def _tax(line: Json, reason: str, rate: Rate, tax_rate: str) -> Json:
    credited = sum(one["amount"] for one in line["pretax_credit_amounts"] if one["type"] != "discount")
    taxable = line["amount"] - discounts.taken(line) - credited
    owed = money.whole_cents(Decimal(rate.percent) * taxable / 100) if reason == "standard_rated" else 0
    return {
        "amount": owed,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": tax_rate},
        "taxability_reason": reason,
        "taxable_amount": taxable if reason == "standard_rated" else 0,
        "type": "tax_rate_details",
    }


def _tax_rate(world: World, country: str, rate: Rate) -> Json:
    found = world.find("tax_rate", country=country)
    return found[0] if found else world.add(_new_rate(world, country, rate), event="tax_rate.created")


def _new_rate(world: World, country: str, rate: Rate) -> Json:
    return {
        "id": f"{_PREFIX}{country}",
        "object": "tax_rate",
        "active": False,
        "country": country,
        "created": world.now,
        "description": None,
        "display_name": rate.tax_type.upper().replace("_", " "),
        "effective_percentage": float(rate.percent),
        "flat_amount": None,
        "inclusive": False,
        "jurisdiction": country,
        "jurisdiction_level": "country",
        "livemode": False,
        "metadata": {},
        "percentage": float(rate.percent),
        "rate_type": "percentage",
        "state": None,
        "tax_type": rate.tax_type,
    }
