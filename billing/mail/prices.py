"""Notices of prices that are about to change, and of models that are about to retire."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from billing.mail.notices import Kind, tell_each
from billing.mail.words import date_of
from common.letters import Letter, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMove:
    """One price of a plan before and after, as text such as "$0.0013 per 1k tokens".

    `name` is the line's, such as "Input tokens, claude-haiku-5-5". An empty `before` is a price that is added, an empty
    `after` one that is taken away.
    """

    name: str
    before: str
    after: str


def tell_of_price_change(
    *,
    organization_ids: Iterable[int],
    change: str,
    plan_name: str,
    moves: Sequence[PriceMove],
    takes_effect_at: datetime,
) -> None:
    """Have organizations told that prices of their plan change at `takes_effect_at`, in the caller's transaction.

    `change` identifies the change (at most 200 characters): whoever was told of it is not told again.
    """
    facts = {
        "plan": plan_name,
        "moves": [asdict(move) for move in moves],
        "takes_effect_on": date_of(takes_effect_at),
    }
    tell_each(organization_ids, kind=Kind.PRICE_CHANGE, occasion=change, facts=facts)


def tell_of_model_retirement(
    *, organization_ids: Iterable[int], model: str, retires_at: datetime, successor: str = "", leads_there: bool = False
) -> None:
    """Have organizations told that a model retires at `retires_at`, in the caller's transaction.

    Once for each model and instant: a date that is moved is told anew. Where it `leads_there`, the `successor` serves
    the requests for it from then on.
    """
    facts = {
        "model": model,
        "retires_on": date_of(retires_at),
        "successor": successor,
        "leads_there": leads_there,
    }
    tell_each(organization_ids, kind=Kind.MODEL_RETIRES, occasion=f"{model}:{retires_at.isoformat()}", facts=facts)


def price_change_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a change of prices."""
    return Letter(
        subject=f"Prices of {facts['plan']} change on {facts['takes_effect_on']}",
        paragraphs=[
            f"From {facts['takes_effect_on']} (UTC) on, {facts['organization']} pays these prices of {facts['plan']}. "
            "Usage before that is billed at today's prices."
        ],
        rows=[(move["name"], _move(move)) for move in facts["moves"]],
        link=Link(label="See your bill", path="/app/billing/"),
    )


def retirement_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a model that retires."""
    afterwards = (
        f"Requests that name it are served by {facts['successor']} from then on, at the prices of {facts['successor']}."
        if facts.get("leads_there")
        else "Requests that name it are refused from then on, with an error that says so."
    )
    return Letter(
        subject=f"{facts['model']} retires on {facts['retires_on']}",
        paragraphs=[
            f"{facts['organization']} can use {facts['model']} until {facts['retires_on']} (UTC). {afterwards}",
            "Change the model that your programs name before that day.",
        ],
        rows=[("Model", facts["model"]), ("Retires on", facts["retires_on"])]
        + ([("Successor", facts["successor"])] if facts["successor"] else []),
        link=Link(label="See who uses it", path="/app/usage/"),
    )


def _move(move: Mapping[str, str]) -> str:
    if not move["before"]:
        return f"new: {move['after']}"
    return f"{move['before']}, then {move['after']}" if move["after"] else f"{move['before']}, then no longer offered"
