"""The amounts of a Checkout session: what its customer pays today, with the discount and the tax.

The subscription is begun and taken back, so that they are those of the invoice that follows.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import subscription_start
from sandbox.stripe_api.catalogue import promotion_codes
from sandbox.stripe_api.protocol import fields, ids
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


def reckon(world: World, session: Json) -> None:
    """Note the amounts of a session with a discount, or with tax, for a known customer. Raises InvalidRequest."""
    if not session["_discounts"] and not session["automatic_tax"]["enabled"]:
        return
    with world.store.rehearsal():
        invoice = _first_invoice(world, session)
    if invoice is None:
        return
    details = {
        "amount_discount": sum(one["amount"] for one in invoice["total_discount_amounts"]),
        "amount_shipping": 0,
        "amount_tax": sum(one["amount"] for one in invoice["total_taxes"]),
    }
    world.change(session, amount_total=invoice["total"], total_details=details)


def redeem_code(world: World, session: Json, code: str) -> None:
    """Give a session the promotion code that was typed in on its page. Raises InvalidRequest for a wrong one."""
    alike = world.find("promotion_code", _lower=code.lower())
    found = [one for one in alike if promotion_codes.is_redeemable(world, one)]
    if not found or not session["allow_promotion_codes"]:
        raise InvalidRequest("This code is invalid.")
    shown = [{"coupon": None, "promotion_code": found[0]["id"]}]
    world.change(session, discounts=shown, _discounts=[{"promotion_code": found[0]["id"]}])
    reckon(world, session)


def subscription_params(session: Json) -> Params:
    """Return the parameters of the subscription that a session makes."""
    data = session["_subscription_data"]
    return {
        "items": session["_line_items"],
        "metadata": data.get("metadata"),
        "description": data.get("description"),
        "discounts": session["_discounts"],
        "automatic_tax": {"enabled": session["automatic_tax"]["enabled"]},
        **fields.picked(data, "trial_end", "trial_period_days", "trial_settings"),
    }


def _first_invoice(world: World, session: Json) -> Json | None:
    customer = world.get("customer", session["customer"]) if session["customer"] else _stranger(world)
    found = [world.get("price", item["price"]) for item in session["_line_items"]]
    made = subscription_start.start(world, customer=customer, found=found, params=subscription_params(session))
    return world.get("invoice", made["latest_invoice"]) if made["latest_invoice"] else None


def _stranger(world: World) -> Json:
    """Return a customer that is not kept, for a session that will make one."""
    settings = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}
    return world.add(
        {
            "id": ids.new("cus", length=14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "currency": None,
            "email": None,
            "invoice_prefix": "PREVIEW",
            "invoice_settings": settings,
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )
