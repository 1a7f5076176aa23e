"""Rules for single parameters that many endpoints share."""

from __future__ import annotations

import re
from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.protocol import money
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing, not_simulated
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

MAX_METADATA_KEYS = 50
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def metadata(given: Any, *, present: Json | None = None) -> Json:
    """Return an object's new metadata: keys are merged, an empty value removes its key, an empty string removes all.

    Raises InvalidRequest past Stripe's limits: 50 keys of 40 characters, values of 500
    (https://docs.stripe.com/api/metadata).
    """
    if given == "":
        return {}
    merged = {**(present or {}), **(given or {})}
    kept = {key: value for key, value in merged.items() if value != ""}
    if len(kept) > MAX_METADATA_KEYS:
        raise InvalidRequest(f"You may only have {MAX_METADATA_KEYS} metadata keys.", param="metadata")
    for key, value in kept.items():
        if len(key) > 40 or len(value) > 500:
            raise InvalidRequest(
                f"Metadata keys may have 40 characters and values 500; `{key[:40]}` has more.",
                param=f"metadata[{key[:40]}]",
            )
    return kept


def changed_metadata(params: Params, doc: Json) -> Json:
    """Return `{"metadata": ...}` as the `metadata` parameter changes it in `doc`; empty without that parameter."""
    return {"metadata": metadata(params["metadata"], present=doc["metadata"])} if "metadata" in params else {}


def customer(world: World, params: Params) -> Json:
    """Return the customer that the parameters name. Raises InvalidRequest where they name none, or one that does not
    exist.
    """
    if "customer" not in params:
        raise missing("customer")
    return world.get("customer", params["customer"], param="customer")


def currency(given: str, *, param: str = "currency") -> str:
    """Return the currency in lower case. Raises InvalidRequest for a currency the sandbox does not know."""
    if given.lower() not in money.CURRENCIES:
        raise InvalidRequest(f"Invalid currency: {given}.", param=param)
    return given.lower()


def picked(params: Params, *names: str) -> Params:
    """Return those of `names` that are given, unchanged."""
    return {name: params[name] for name in names if name in params}


def given(params: Params, *names: str) -> Json:
    """Return those of `names` that are given. An empty string becomes None, since Stripe unsets a field by it."""
    return {name: (None if params[name] == "" else params[name]) for name in names if name in params}


def at_least(params: Params, name: str, least: int) -> None:
    """Raise InvalidRequest where the integer `name` is given and below `least`."""
    value = params.get(name)
    if value is not None and value < least:
        raise InvalidRequest(
            f"This value must be greater than or equal to {least}.", code="parameter_invalid_integer", param=name
        )


def only_one(params: Params, *names: str) -> None:
    """Raise InvalidRequest where more than one of `names` is given."""
    found = [name for name in names if name in params]
    if len(found) > 1:
        raise InvalidRequest(f"You may only specify one of these parameters: {', '.join(found)}.", param=found[1])


def cards_only(given: list[str] | str | None, *, param: str) -> None:
    """Raise InvalidRequest where a payment method other than a card is asked for."""
    for wanted in given or []:
        if wanted != "card":
            raise not_simulated(f"payments by {wanted}, but by card alone", param=param)


def automatic_methods(params: Params) -> Json | None:
    """Return an intent's `automatic_payment_methods`: the sandbox has cards alone, whatever is asked for."""
    given = params.get("automatic_payment_methods")
    if not given or not given["enabled"]:
        return None
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}
