"""Streams that end in ways that neither Claude's sandbox nor a client of its API shows."""

import pytest

from chat import claude
from chat.plain_chat import ChatEvents
from chat.sse import format_event
from tests.chat.events import reshaped
from tests.chat.streams import LAST_CHUNK, Client, chunked, record_of, run_stream, until_closed
from tests.factories import Customer, begin, make_subscriber

START = format_event("message_start", {"message": {"usage": {"input_tokens": 100, "output_tokens": 1}}})
TEXT = format_event("content_block_delta", {"delta": {"type": "text_delta", "text": "a" * 400}})
DELTA = format_event("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}})
STOP = format_event("message_stop", {})


@pytest.fixture
def customer(committing_db: None) -> Customer:
    return make_subscriber()


def test_a_stream_that_is_never_closed_after_its_last_event_ends_all_the_same(customer):
    client = Client()

    sent = chunked(START, TEXT, DELTA, STOP)
    told = run_stream(customer, sent=sent, then=until_closed, client=client, leaves_after_s=10)

    assert told is None
    assert client.received.endswith(STOP)
    assert record_of(customer) == ("settled", 100, 20, False)


def test_a_connection_that_breaks_after_the_last_event_is_no_error(customer):
    client = Client()

    told = run_stream(customer, sent=chunked(START, TEXT, DELTA, STOP), client=client)

    assert told is None
    assert client.received.endswith(STOP)
    assert record_of(customer) == ("settled", 100, 20, False)


@pytest.mark.parametrize("counted", [b'{"oops": 1}', b"no JSON", b"[]"])
def test_a_partial_output_that_claude_cannot_count_is_estimated(customer, counted):
    told = run_stream(customer, sent=chunked(START, TEXT), counted=counted, client=Client())

    assert isinstance(told, claude.ClaudeBrokeOff)
    assert record_of(customer) == ("settled", 100, 100, True)


def test_an_event_without_its_content_loses_nothing(customer):
    empty = format_event("content_block_delta", {"delta": None})

    run_stream(customer, sent=chunked(START, TEXT, empty), client=Client())

    assert record_of(customer) == ("settled", 100, 80, True)


def test_with_the_drain_policy_a_client_that_does_not_read_keeps_nobody_waiting(customer, settings):
    settings.STREAM_ABORT_POLICY = "drain"
    client = Client(reads_bytes=len(START))

    run_stream(customer, sent=chunked(START, TEXT, TEXT, DELTA, STOP) + LAST_CHUNK, client=client, leaves_after_s=0.3)

    assert record_of(customer) == ("settled", 100, 20, False)


def test_done_is_said_once_whatever_follows_the_end(customer):
    events = ChatEvents(grant=begin(customer))

    said = reshaped(events.reshape, START, TEXT, DELTA + STOP, b"\n", format_event("ping", {}))

    assert said.count(b"event: done") == 1


def test_the_settlement_of_a_cut_stream_is_not_cut_by_a_count_that_is_refused_early(customer):
    long_text = format_event("content_block_delta", {"delta": {"type": "text_delta", "text": "a" * 12_000_000}})

    run_stream(
        customer,
        sent=chunked(START, long_text),
        then=until_closed,
        busy_counting=True,
        client=Client(),
        leaves_after_s=1.5,
    )

    assert record_of(customer) == ("settled", 100, 3_000_000, True)
