"""The card form that Checkout, the portal and the hosted invoice share.

Its fields are `email`, `number`, `expiry` (MM / YY), `cvc` and `name`. The bank's page adds `authentication`
(`complete` or `fail`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response

from sandbox.pages.templates import amount, page
from sandbox.stripe_api.billing import authentication
from sandbox.stripe_api.payments.typed_cards import Card
from sandbox.stripe_api.protocol.fields import EMAIL

FIELDS = ("email", "number", "expiry", "cvc", "name")
Values = Mapping[str, str]

_EXPIRY = re.compile(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})")


class InvalidField(ValueError):
    """A field of the form is missing or malformed; the message says which."""


def filled(given: Values) -> Values:
    """Return the form's values, with empty texts for fields that were not given."""
    return {**dict.fromkeys(FIELDS, ""), **given}


def card(values: Values) -> Card:
    """Return the card typed into a `filled` form. Raises InvalidField."""
    if missing := [name for name in FIELDS if not values[name].strip()]:
        raise InvalidField(f"Please fill in: {', '.join(missing)}.")
    if not EMAIL.fullmatch(values["email"].strip()):
        raise InvalidField("Your email is invalid.")
    expiry = _EXPIRY.fullmatch(values["expiry"].strip())
    if not expiry:
        raise InvalidField("Your card's expiration date is incomplete: write it as MM / YY.")
    if values.get("authentication") == "fail":
        raise InvalidField(authentication.NOT_AUTHENTICATED)
    year = int(expiry.group(2))
    return Card(
        number=values["number"].strip(),
        exp_month=int(expiry.group(1)),
        exp_year=year + 2000 if year < 100 else year,
        cvc=values["cvc"].strip(),
        name=values["name"].strip(),
        email=values["email"].strip(),
        authenticated=values.get("authentication") == "complete",
    )


def purpose(total: int | None, currency: str | None) -> str:
    """Return the subject of the bank's question: the amount to pay, or that the card is saved."""
    return amount(total, currency) if total else "saved for later payments"


def ask_bank(*, action: str, values: Values, what_for: str) -> Response:
    """Return the page with the bank's question. Its answer goes to `action`, together with the form that led here."""
    last4 = "".join(character for character in values["number"] if character.isdigit())[-4:]
    kept = {name: values[name] for name in FIELDS}
    return page("authenticate.html", action=action, kept=kept, last4=last4, what_for=what_for)
