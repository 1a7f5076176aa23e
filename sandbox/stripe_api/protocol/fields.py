"""Small rules that many endpoints share."""

from __future__ import annotations

from typing import Any

from sandbox.store import Json
from sandbox.stripe_api.protocol.errors import InvalidRequest, not_simulated
from sandbox.stripe_api.protocol.params import Params

MAX_METADATA_KEYS = 50


def metadata(given: Any, *, present: Json | None = None) -> Json:
    """What an object's metadata becomes: keys are merged, an empty value removes its key, an empty string all of them.

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


def filled(params: Params, *names: str) -> Json:
    """The given ones of `names`, with Stripe's "empty string unsets" turned into None."""
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
    given = [name for name in names if name in params]
    if len(given) > 1:
        raise InvalidRequest(f"You may only specify one of these parameters: {', '.join(given)}.", param=given[1])


def cards_only(given: list[str] | str | None, *, param: str) -> None:
    """Raise InvalidRequest where other payment methods than cards are asked for."""
    for wanted in given or []:
        if wanted != "card":
            raise not_simulated(f"payments by {wanted}, but by card alone", param=param)


def automatic_methods(params: Params) -> Json | None:
    """What an intent shows of `automatic_payment_methods`: cards, in any case."""
    given = params.get("automatic_payment_methods")
    if not given or not given["enabled"]:
        return None
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}
