"""A stream in any form, ended anywhere, is billed by Claude's own total or by a count of the output that came."""

import json
import re
from typing import Any

import pytest

from billing.metering.posting import post_due
from billing.models import DailyUsage, Discrepancy, UsageRecord
from chat import claude
from chat.openai.answer import completion
from chat.output_count import estimate_unbilled
from chat.plain_chat import chat_answer
from tests.chat.recorded import BYTE_ORDER_MARK, COUNTABLE, FORMS, STREAMS, Data, written
from tests.chat.streams import LAST_CHUNK, Client, chunked, record_of, run_plain, run_stream, until_closed
from tests.factories import Customer, make_subscriber

JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
FROM_DELTA_ON = 2


@pytest.fixture
def customer(committing_db: None) -> Customer:
    return make_subscriber()


# The one thing that is added, where the last event is in Claude's own form.
COST_AT_THE_END = re.compile(rb', "rgent_cost": {[^}]*}')


def text_tokens(events: list[Data]) -> int:
    """Return the tokens of the text and tool input in some events, as the stand-in counts them."""
    deltas = [event.get("delta", {}) for event in events]
    length = sum(len(each.get("text") or each.get("thinking") or each.get("partial_json") or "") for each in deltas)
    return -(-length // 5)


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_in_any_form_is_settled_exactly_and_passed_on_to_the_byte(customer, form):
    events, charged = STREAMS["tool"]
    sent = [BYTE_ORDER_MARK, *written(events, form)]
    client = Client()

    told = run_stream(customer, sent=chunked(*sent) + LAST_CHUNK, client=client)

    assert told is None
    assert COST_AT_THE_END.sub(b"", client.received) == b"".join(sent)
    assert record_of(customer) == ("settled", *charged, False)


@pytest.mark.parametrize("form", FORMS)
def test_a_last_event_without_its_blank_line_is_settled_before_it_is_sent(customer, form):
    events, charged = STREAMS["text"]
    whole = b"".join(written(events, form)).rstrip(b"\r\n")
    client = Client()

    told = run_stream(customer, sent=chunked(whole) + LAST_CHUNK, client=client)

    assert told is None
    assert client.received == whole
    assert record_of(customer) == ("settled", *charged, False)


@pytest.mark.parametrize("form", ["plain", "crlf", "cr", "no-name", "several-data-lines"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_breaks_off_is_billed_by_what_came(customer, name, form):
    events, (input_tokens, output_tokens) = STREAMS[name]
    for count in range(1, len(events)):
        told = run_stream(customer, sent=chunked(*written(events[:count], form)), client=Client())

        state, input_, output, estimated = record_of(customer)
        assert isinstance(told, claude.ClaudeBrokeOff)
        assert state == "settled"
        if count > len(events) - FROM_DELTA_ON:
            assert (input_, output, estimated) == (input_tokens, output_tokens, False)
        else:
            assert (input_, estimated) == (1000, True)
            assert max(1, text_tokens(events[:count])) <= output <= output_tokens


@pytest.mark.parametrize("name", STREAMS)
def test_a_client_that_leaves_pays_for_what_came_or_exactly(customer, name):
    events, charged = STREAMS[name]
    parts = written(events, "plain")
    for count in range(1, len(parts) - 1):
        client = Client(reads_bytes=len(b"".join(parts[: count - 1])), leaves=True)

        rest = chunked(*parts[count:]) + LAST_CHUNK
        run_stream(customer, sent=chunked(*parts[:count]), once_left=rest, client=client)

        state, input_tokens, output_tokens, estimated = record_of(customer)
        came = events[:count]
        told_all = came[-1]["type"] == "message_delta"
        all_countable = name in COUNTABLE or {event["type"] for event in came} == {"message_start"}
        if all_countable and not told_all:
            assert (state, input_tokens, output_tokens) == ("settled", 1000, max(1, text_tokens(came)))
            assert estimated
        else:
            assert (state, input_tokens, output_tokens, estimated) == ("settled", *charged, False)


def test_thinking_and_tool_input_count_where_reading_on_fails_too(customer):
    events, _ = STREAMS["summarized-thinking"]
    tool, _ = STREAMS["tool"]
    sent = [*events[:4], *tool[6:10]]  # up to the signature, and a call with its input

    run_stream(customer, sent=chunked(*written(sent, "plain")), client=Client())

    thought, called = len("First I add, then I subtract. "), len('{"city": "Bern"}')
    assert record_of(customer) == ("settled", 1000, -(-(thought + called) // 5), True)


def test_thinking_that_came_sealed_is_estimated_where_reading_on_fails(customer):
    events, _ = STREAMS["omitted-thinking"]

    run_stream(customer, sent=chunked(*written(events[:4], "plain")), client=Client())

    assert record_of(customer) == ("settled", 1000, 320 * 3 // 16, True)


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "all of it"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "output_tokens": 500},
}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(MESSAGE),
        json.dumps(MESSAGE, indent=2),
        "{}",
        "<html>data: no</html>",
        "",
        "data: null\n\n",
        "data: 7",
    ],
)
def test_an_answer_that_is_no_stream_is_an_error_before_a_byte_goes_out(customer, body):
    client = Client()

    told = run_stream(customer, sent=JSON_HEAD % len(body.encode()) + body.encode(), client=client)

    assert isinstance(told, claude.ClaudeBrokeOff)
    assert client.received == b""
    assert record_of(customer)[0] == "abandoned"


def test_no_content_goes_out_before_the_usage_of_the_input_is_known(customer):
    events, _ = STREAMS["text"]
    client = Client()

    told = run_stream(customer, sent=chunked(*written(events[2:], "plain")) + LAST_CHUNK, client=client)

    assert isinstance(told, claude.ClaudeBrokeOff)
    assert client.received == b""


def start_and_end(start: dict[str, Any], end: dict[str, Any]) -> bytes:
    message = {"type": "message_start", "message": {"usage": start}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end}
    return chunked(*written([message, delta, {"type": "message_stop"}], "plain")) + LAST_CHUNK


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({"input_tokens": 1000.0, "output_tokens": 1}, {"output_tokens": 500.0}),
        ({"input_tokens": "1000", "output_tokens": "1"}, {"output_tokens": "500"}),
        ({"input_tokens": 1000, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 500}),
        ({"input_tokens": 1000, "output_tokens": 1}, {"input_tokens": None, "output_tokens": 500}),
        ({"input_tokens": None, "output_tokens": None}, {"input_tokens": 1000, "output_tokens": 500}),
        ({}, {"input_tokens": 1000, "output_tokens": 500}),
    ],
)
def test_a_count_is_a_count_in_every_dress_and_never_falls(customer, start, end):
    run_stream(customer, sent=start_and_end(start, end), client=Client())

    assert record_of(customer) == ("settled", 1000, 500, False)


def test_a_client_that_leaves_before_the_input_is_known_is_read_on_for(customer):
    sent = start_and_end({"input_tokens": None}, {"input_tokens": 1000, "output_tokens": 500})
    client = Client(reads_bytes=0, leaves=True)

    run_stream(customer, sent=sent, client=client)

    assert record_of(customer) == ("settled", 1000, 500, False)
    assert UsageRecord.objects.get(organization=customer.organization).outcome == "end_turn"


UNREADABLE = [
    ({"input_tokens": "many", "output_tokens": 500}, (0, 500)),
    ({"input_tokens": 1000, "output_tokens": 500, "cache_read_input_tokens": [1]}, (1000, 500)),
    ({"input_tokens": 1000, "output_tokens": -5}, (1000, 2)),
    ({"input_tokens": 1000}, (1000, 2)),
    ({"input_tokens": 1000, "output_tokens": 500, "cache_creation": "none"}, (1000, 500)),
    ({"input_tokens": 1000, "output_tokens": 500.5}, (1000, 2)),
]


def discrepancy_of(customer: Customer) -> tuple[str, str]:
    """Return the discrepancies that an admin sees of the newest record after posting, and the record's own figures."""
    post_due()
    record = UsageRecord.objects.filter(organization=customer.organization).latest("id")
    shown = Discrepancy.objects.get(organization=customer.organization)
    assert (shown.subject, shown.found) == (record.request_id, record.usage.total)
    return shown.kind, record.unreadable_usage


@pytest.mark.parametrize(("usage", "billed"), UNREADABLE)
def test_usage_of_a_plain_answer_that_cannot_be_read_is_shown_and_never_exact(customer, usage, billed):
    answer = json.dumps({**MESSAGE, "usage": usage}).encode()

    assert run_plain(customer, answer=answer) == answer

    assert record_of(customer) == ("settled", *billed, True)
    kind, unreadable = discrepancy_of(customer)
    assert kind == "unreadable_usage"
    assert unreadable


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({"input_tokens": "many", "output_tokens": 1}, {"output_tokens": 500}),
        ({"input_tokens": 1000, "output_tokens": 1}, {"output_tokens": "many"}),
        ({"input_tokens": 1000, "output_tokens": 1}, {}),
        ({"input_tokens": 1000, "output_tokens": 1}, {"output_tokens": 500, "iterations": 7}),
        ({"output_tokens": 1}, {"output_tokens": 500}),
    ],
)
def test_usage_of_a_stream_that_cannot_be_read_is_shown_and_never_exact(customer, start, end):
    run_stream(customer, sent=start_and_end(start, end), client=Client())

    assert record_of(customer)[3]
    assert discrepancy_of(customer)[0] == "unreadable_usage"


@pytest.mark.parametrize("shape", [None, chat_answer, lambda message, grant: completion(message)])
@pytest.mark.parametrize("content", [None, "text", [None, 7, "text"], [{"type": "text", "text": None}], {}])
def test_a_plain_answer_of_any_shape_is_billed(customer, content, shape):
    message = {**MESSAGE, "content": content, "stop_reason": ["odd"], "stop_details": 7}

    assert isinstance(run_plain(customer, answer=json.dumps(message).encode(), shape=shape), bytes)

    assert record_of(customer) == ("settled", 1000, 500, False)


@pytest.mark.parametrize("answer", [b"", b"[]", b"7", b"{}", b"<html>", b'{"usage": null}', b"[" * 100_000])
def test_a_plain_answer_that_tells_no_usage_is_an_error(customer, answer):
    assert isinstance(run_plain(customer, answer=answer), claude.ClaudeBrokeOff)
    assert record_of(customer)[0] == "abandoned"


def test_what_claude_made_unseen_is_estimated_by_the_streams_pace_and_shown(customer):
    events, _ = STREAMS["text"]
    pause_s = 0.8

    run_stream(
        customer,
        sent=chunked(*written(events[:5], "plain")),
        then=until_closed,
        client=Client(),
        leaves_after_s=pause_s,
    )

    record = UsageRecord.objects.get(organization=customer.organization)
    pace = record.output_tokens  # within the first second
    post_due()
    assert round(pace * pause_s / 2) <= record.unbilled_output_tokens <= round(pace * (pause_s + 1))
    assert DailyUsage.objects.get().unbilled_output_tokens == record.unbilled_output_tokens


def test_unseen_output_is_no_more_than_the_answer_may_have():
    unbilled = estimate_unbilled(billed_tokens=90, came_in_s=1, silent_s=600, countable=False, max_tokens=100)

    assert unbilled == 10


def test_nothing_is_unbilled_of_a_stream_that_was_read_to_its_end(customer):
    events, _ = STREAMS["omitted-thinking"]

    run_stream(customer, sent=chunked(*written(events, "plain")) + LAST_CHUNK, client=Client())

    assert UsageRecord.objects.get(organization=customer.organization).unbilled_output_tokens == 0


def test_words_of_claudes_that_a_database_cannot_hold_are_settled_all_the_same(customer):
    odd = "a\0b\ud83dc" * 100
    usage = {"input_tokens": 1000, "output_tokens": 500, "server_tool_use": {odd: 2}, "cache_creation": {odd: odd}}
    message = json.dumps({**MESSAGE, "stop_reason": odd, "usage": usage}).encode()

    assert run_plain(customer, answer=message) == message

    record = UsageRecord.objects.get(organization=customer.organization)
    assert (record.state, record.output_tokens, record.unreadable_usage) == ("settled", 500, "cache_creation")
    assert record.outcome.startswith("a?b?c")
