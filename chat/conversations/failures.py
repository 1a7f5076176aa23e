"""Failures of an answer as the page tells them: a kind, which decides what is offered, and a sentence."""

import json

from billing.ledger.entries import (
    ModelNotInPlan,
    ModelRetired,
    NotEntitled,
    SpendingCapReached,
    SubscriptionSuspended,
    TrialExhausted,
    UnknownModel,
)
from billing.ledger.writers import LedgerUnavailable
from billing.limits.gate import RateLimited
from billing.public_words import public_words
from chat.claude import ClaudeBrokeOff, ClaudeError, ClaudeMisconfigured, ClaudeRefused, ClaudeTimedOut
from chat.json_objects import InvalidRequest
from chat.lenient_json import as_object, as_text
from common.outage import DatabaseUnavailable

OVERLOADED_STATUSES = frozenset({429, 500, 502, 503, 504, 529})
BROKE_OFF = "broke_off"
KINDS: dict[type[Exception], str] = {
    TrialExhausted: "trial",
    SpendingCapReached: "cap",
    SubscriptionSuspended: "unpaid",
    ModelRetired: "model",
    ModelNotInPlan: "model",
    UnknownModel: "model",
    NotEntitled: "refused",
    RateLimited: "overloaded",
    LedgerUnavailable: "overloaded",
    DatabaseUnavailable: "overloaded",
    InvalidRequest: "refused",
    ClaudeBrokeOff: BROKE_OFF,
    ClaudeTimedOut: BROKE_OFF,
    ClaudeMisconfigured: "fault",
    ClaudeError: "overloaded",
}
WORDS = {
    BROKE_OFF: "The answer broke off before its end. Its beginning is kept.",
    "overloaded": "Claude is overloaded at the moment. Nothing was charged.",
    "fault": "Something went wrong on our side. Nothing was charged; tell support if it stays.",
    "too_long": "This conversation is longer than the model can read. Begin a new one, or edit an earlier question.",
}


def failure_of(error: BaseException) -> tuple[str, str]:
    """Return the kind of an error and the sentence for the person who asked."""
    if isinstance(error, ClaudeRefused):
        return _refusal(error)
    kind = next((KINDS[each] for each in type(error).__mro__ if each in KINDS), "fault")
    if isinstance(error, ClaudeError) or kind == "fault":
        return kind, WORDS[kind]
    return kind, public_words(error) if isinstance(error, Exception) else WORDS["fault"]


def _refusal(error: ClaudeRefused) -> tuple[str, str]:
    """Tell what Claude refused by its status and its own words."""
    if error.status in OVERLOADED_STATUSES or not error.body:
        return "overloaded", WORDS["overloaded"]
    said = as_text(as_object(as_object(json.loads(error.body)).get("error")).get("message"))
    if error.status == 413 or "too long" in said or "context window" in said:
        return "too_long", WORDS["too_long"]
    if error.status == 404:
        return "model", f"Claude does not serve this model any more. Choose another one. ({said})"
    return "refused", f"Claude did not take this message: {said}"
