"""Stripe's events that no webhook brought: the objects they are about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from djstripe.models import Event

from billing.stripe_billing.client import client, translate_stripe_errors

TYPES = [
    "billing.credit_grant.created",
    "billing.credit_grant.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "checkout.session.completed",
    "credit_note.created",
    "credit_note.voided",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "refund.created",
    "refund.failed",
    "refund.updated",
]
# docs.stripe.com/api/events/list
MOST_TYPES_A_CALL = 20
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An object, by Stripe's kind and id, of which no webhook told: a `subscription`, an `invoice` and so on.

    A `dispute` names no customer, and a `refund` may not.
    """

    kind: str
    id: str
    customer: str
    told_at: datetime


def missed_objects(*, since: datetime, until: datetime) -> list[Missed]:
    """Return the objects, in the order in which Stripe last told of them in `[since, until)`, and no webhook did.

    Raises StripeUnavailable, StripeRejected.
    """
    span = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    events: list[stripe.Event] = []
    for first in range(0, len(TYPES), MOST_TYPES_A_CALL):
        params: Any = {"types": TYPES[first : first + MOST_TYPES_A_CALL], "created": span, "limit": PAGE}
        with translate_stripe_errors():
            events += client().v1.events.list(params).auto_paging_iter()
    events.sort(key=lambda event: event.created, reverse=True)
    known = _known({event.id for event in events})
    newest: dict[tuple[str, str], Missed] = {}
    for event in events:  # newest first
        for found in _objects(event) if event.id not in known else ():
            newest.setdefault((found.kind, found.id), found)
    return list(reversed(newest.values()))


def _known(event_ids: set[str]) -> set[str]:
    return set(Event.objects.filter(id__in=event_ids).values_list("id", flat=True))


def _objects(event: stripe.Event) -> Iterator[Missed]:
    """Yield the objects of an event that are kept here; a Checkout session is known by its subscription."""
    told = event.to_dict()["data"]["object"]
    told_at = datetime.fromtimestamp(event.created, tz=UTC)
    if told["object"] != "checkout.session":
        yield Missed(kind=told["object"], id=told["id"], customer=told.get("customer") or "", told_at=told_at)
    elif told["subscription"]:
        yield Missed(kind="subscription", id=told["subscription"], customer=told["customer"] or "", told_at=told_at)
