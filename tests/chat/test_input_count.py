"""Where a cap has no room for the bound of bytes, Claude's own count of the input is the hold."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chat.input_bound import LARGEST_PICTURE_TOKENS
from chat.input_count import MARGIN_PERCENT, MARGIN_TOKENS
from tests.chat.http import Answer, messages_body, record_of, send
from tests.factories import HAIKU, Customer, make_subscriber

INPUT_MINOR, OUTPUT_MINOR = Decimal("0.00013"), Decimal("0.00065")
WORDS = "words and more words " * 9_500  # 199,500 bytes: $0.26 by bytes, $0.07 by Claude's count in the sandbox
TEXT = {"type": "text", "text": WORDS}


def ask(api: str, customer: Customer, *content: dict[str, Any], **fields: Any) -> Answer:
    body = messages_body("", messages=[{"role": "user", "content": [*content, {"type": "text", "text": "Hi"}]}])
    return send(api, "POST", "/v1/messages", body={**body, **fields}, headers={"x-api-key": customer.key})


def counts_asked(sandbox: Any) -> list[dict[str, Any]]:
    """The bodies of the count's calls, the oldest first."""
    calls = sandbox.control("GET", "/claude/requests")["data"]
    return [call["body"] for call in calls if call["path"].endswith("count_tokens")]


def held_input(answer: Answer, *, max_tokens: int) -> int:
    """The input tokens of an answer's hold."""
    return int((record_of(answer).hold_minor - max_tokens * OUTPUT_MINOR) / INPUT_MINOR)


def test_a_cap_with_room_for_every_byte_asks_for_no_count(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal(100))

    answer = ask(api, customer, TEXT)

    assert answer.status == 200
    assert held_input(answer, max_tokens=5000) > len(WORDS)
    assert counts_asked(sandbox) == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_cap_without_room_for_every_byte_holds_claudes_count_and_a_margin(api, sandbox, stream):
    customer = make_subscriber(cap_minor=Decimal(20))

    answer = ask(api, customer, TEXT, stream=stream)

    assert answer.status == 200
    [asked] = counts_asked(sandbox)
    counted = int(record_of(answer).input_tokens)
    assert asked["model"] == HAIKU
    assert held_input(answer, max_tokens=5000) == counted * (100 + MARGIN_PERCENT) // 100 + MARGIN_TOKENS


def test_it_counts_before_it_shortens_the_answer(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal(30))  # room for every byte and some of the answer

    answer = ask(api, customer, TEXT, max_tokens=32_000)

    assert held_input(answer, max_tokens=32_000) < len(WORDS) / 3
    assert len(counts_asked(sandbox)) == 1


def test_a_pdf_is_held_for_its_pages_and_a_picture_elsewhere_for_the_largest(api):
    customer = make_subscriber(cap_minor=Decimal(20))
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}}
    picture = {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}

    plain, pictured = ask(api, customer, pdf), ask(api, customer, pdf, picture)

    assert held_input(plain, max_tokens=5000) < 5_000
    assert held_input(pictured, max_tokens=5000) > LARGEST_PICTURE_TOKENS + held_input(plain, max_tokens=5000)


def test_a_request_that_is_too_dear_by_claudes_count_as_well_is_refused(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal(5))

    refused = ask(api, customer, TEXT)

    assert (refused.status, refused.error[0]) == (402, "billing_error")
    assert "may cost $0.06" in refused.error[1]
    assert customer.account.held_minor == 0
    assert len(counts_asked(sandbox)) == 1


def test_a_cap_that_pays_for_no_token_asks_for_no_count(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal("0.0001"))

    assert ask(api, customer, TEXT).status == 402
    assert counts_asked(sandbox) == []


def test_without_claudes_count_the_bytes_are_held(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal(20))
    sandbox.control("POST", "/claude/faults", {"path": "count_tokens", "error": 400, "times": 1})

    assert ask(api, customer, TEXT).status == 402


def test_the_count_reads_the_fields_that_bring_input_and_no_others(api, sandbox):
    customer = make_subscriber(cap_minor=Decimal(20))
    fields = {"system": "Be brief.", "tools": [{"name": "weather", "input_schema": {"type": "object"}}], "metadata": {}}

    assert ask(api, customer, TEXT, **fields).status == 200

    [asked] = counts_asked(sandbox)
    assert asked.keys() == {"model", "messages", "system", "tools"}, json.dumps(asked)[:200]
