"""The cost of a call, told with its answer: headers of a plain one, a field in the last event of a stream.

Amounts are exact: decimal text in the plan's currency, without an exponent, as the bill adds them up. A call of the
free trial costs 0.
"""

import json
from collections.abc import Mapping, Sequence

from billing.ledger.entries import Grant
from billing.money import exact_text
from chat.sse import Event

COST = "rgent-cost"
CURRENCY = "rgent-cost-currency"
# The field's name where the shape is another's. SDKs keep unknown fields, and Claude on Bedrock adds one to the same
# event ("amazon-bedrock-invocationMetrics").
FOREIGN_FIELD = "rgent_cost"
# JSON holds no line ends, so these bytes begin an event wherever they follow one.
_MESSAGE_STOP = b"event: message_stop\n"


def cost_headers(grant: Grant) -> dict[str, str]:
    """Return the headers that tell what a settled call cost."""
    return {COST: exact_text(grant.record.cost_minor), CURRENCY: grant.prices.currency}


def cost_of(grant: Grant) -> dict[str, str]:
    """Return the cost of a settled call as JSON holds it."""
    return {"amount": exact_text(grant.record.cost_minor), "currency": grant.prices.currency}


def tell_cost(received: bytes, events: Sequence[Event], *, cost: Mapping[str, str]) -> bytes:
    """Return the bytes of `events` with the cost put into `message_stop`; all other bytes stay as they are.

    An event that is written in another way than Claude writes it passes as it is.
    """
    stop = next((event for event in events if event.name == "message_stop"), None)
    starts_at = 0 if received.startswith(_MESSAGE_STOP) else received.find(b"\n" + _MESSAGE_STOP) + 1
    closes_at = received.find(b"}\n\n", starts_at)
    if stop is None or not stop.data or closes_at < 0 or not received.startswith(_MESSAGE_STOP, starts_at):
        return received
    field = f', "{FOREIGN_FIELD}": {json.dumps(cost)}'.encode()
    return received[:closes_at] + field + received[closes_at:]
