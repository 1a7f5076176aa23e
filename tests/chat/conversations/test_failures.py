"""Failures as the page tells them."""

import json

import pytest

from billing.ledger.entries import ModelNotInPlan, ModelRetired, SpendingCapReached
from chat.claude import ClaudeBrokeOff, ClaudeError, ClaudeMisconfigured, ClaudeRefused, ClaudeUnavailable
from chat.conversations.failures import failure_of


def refusal(status: int, said: str) -> ClaudeRefused:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": said}}
    return ClaudeRefused(status=status, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelRetired("It is gone."), "model"),
        (ModelNotInPlan("Not yours."), "model"),
        (SpendingCapReached("Full."), "cap"),
        (refusal(404, "model: claude-old"), "model"),
        (refusal(413, "Request exceeds the maximum size"), "too_long"),
        (refusal(400, "prompt is too long: 1200000 tokens > 1000000 maximum"), "too_long"),
        (refusal(400, "Could not process image"), "refused"),
        (refusal(529, "Overloaded"), "overloaded"),
        (ClaudeUnavailable("Not there."), "overloaded"),
        (ClaudeBrokeOff("Cut."), "broke_off"),
        (ClaudeMisconfigured("The operator's own key."), "fault"),
        (RuntimeError("secret"), "fault"),
    ],
)
def test_each_error_has_its_kind(error: Exception, kind: str):
    assert failure_of(error)[0] == kind


def test_claudes_own_words_are_told_and_the_operators_are_not():
    assert "Could not process image" in failure_of(refusal(400, "Could not process image"))[1]
    assert "secret" not in failure_of(RuntimeError("secret"))[1]
    assert "own key" not in failure_of(ClaudeMisconfigured("The operator's own key."))[1]


def test_no_error_of_claudes_lacks_words():
    assert all(failure_of(kind("x"))[1] for kind in ClaudeError.__subclasses__() if kind is not ClaudeRefused)
