"""The reader of server-sent events, and the meter behind it: every form is read as the plain one is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.sse import EventReader, format_event
from chat.stream_meter import StreamMeter
from tests.chat.events import read_stream
from tests.chat.recorded import BYTE_ORDER_MARK, COUNTABLE, FORMS, STREAMS, written

MESSAGE_STOP = {"type": "message_stop"}


def told(meter: StreamMeter) -> tuple[Any, ...]:
    """Return all figures of a meter."""
    return (
        meter.usage,
        meter.started,
        meter.finished,
        meter.complete,
        meter.stop_reason,
        meter.unreadable,
        meter.output.text,
        meter.output.countable,
        meter.output.sealed_tokens,
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STREAMS)
def test_every_form_is_metered_as_the_plain_one_wherever_it_is_cut(name, form):
    events, _ = STREAMS[name]
    plain, other = written(events, "plain"), written(events, form)

    for count in range(len(events) + 1):
        assert told(read_stream(*other[:count])) == told(read_stream(*plain[:count]))


@pytest.mark.parametrize("form", FORMS)
def test_bytes_may_be_cut_anywhere(form):
    events, _ = STREAMS["tool"]
    whole = b"".join(written(events, form))

    assert told(read_stream(*[whole[at : at + 1] for at in range(len(whole))])) == told(read_stream(whole))
    for at in range(len(whole)):
        assert told(read_stream(whole[:at], whole[at:])) == told(read_stream(whole))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_whole_stream_tells_what_claude_charges_for(name, form):
    events, charged = STREAMS[name]

    meter = read_stream(BYTE_ORDER_MARK + b"".join(written(events, form)))

    assert (meter.usage.input_tokens, meter.usage.output_tokens) == charged
    assert meter.complete
    assert not meter.unreadable


@pytest.mark.parametrize("name", STREAMS)
def test_what_cannot_be_counted_from_what_came_is_known(name):
    events, _ = STREAMS[name]

    assert read_stream(*written(events[:-2], "plain")).output.countable == (name in COUNTABLE)


@pytest.mark.parametrize("form", FORMS)
def test_the_last_event_may_lack_its_blank_line(form):
    events, _ = STREAMS["text"]
    whole = b"".join(written(events, form)).rstrip(b"\r\n")

    assert read_stream(whole).finished


@pytest.mark.parametrize("form", FORMS)
def test_all_bytes_pass_and_none_of_an_event_that_was_not_read(form):
    whole = BYTE_ORDER_MARK + b"".join(written(STREAMS["text"][0], form))
    reader = EventReader()
    passed, metered = b"", 0

    for at in range(0, len(whole), 7):
        received, events = reader.feed(whole[at : at + 7])
        passed += received
        metered += len(events)
        assert metered == len(read_stream_events(passed))
    received, _ = reader.close()

    assert passed + received == whole


def read_stream_events(received: bytes) -> list[str]:
    """Return the types of the events in some bytes, the last of which need not be whole."""
    reader = EventReader()
    return [event.name for _, events in (reader.feed(received), reader.close()) for event in events]


def test_the_type_in_the_data_names_an_event():
    assert read_stream_events(b"event: ping\ndata: " + json.dumps(MESSAGE_STOP).encode() + b"\n\n") == ["message_stop"]


def test_bytes_that_are_no_utf_8_lose_no_event():
    broken = b'data: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "caf\xe9"}}\n\n'

    assert read_stream(broken).output.text == "caf\ufffd"


def test_an_event_that_grows_is_not_copied_at_every_chunk():
    reader = EventReader()
    piece = b"x" * 1000

    for _ in range(100_000):  # a copy of it all at each would be 5 TB
        reader.feed(piece)

    assert len(reader.feed(b"\n\n")[0]) == 100_000_002


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "usage",
                    "message",
                    "delta",
                    "content_block",
                    "type",
                    "text",
                    "thinking",
                    "partial_json",
                    "signature",
                    "input",
                    "input_tokens",
                    "output_tokens",
                    "cache_creation",
                    "iterations",
                    "server_tool_use",
                    "stop_reason",
                    "error",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
        "hologram",
        "",
    ]
)
FIELDS = st.dictionaries(st.sampled_from(["message", "delta", "usage", "content_block", "error"]), ANYTHING)


@given(events=st.lists(st.tuples(TYPES, FIELDS | ANYTHING), max_size=8))
def test_no_shape_of_json_kills_the_meter(events):
    meter = read_stream(*[f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in events])

    assert meter.usage.output_tokens >= 0
    assert isinstance(told(meter), tuple)


@pytest.mark.parametrize("kind", [[], {}, [[]], 7, None, True])
@pytest.mark.parametrize("name", ["content_block_start", "content_block_delta"])
def test_a_type_that_is_no_text_is_one_that_is_not_known(name, kind):
    content = {"type": kind, "text": "Hello"}
    meter = read_stream(format_event(name, {"content_block": content, "delta": content}))

    assert not meter.output.countable
    assert "Hello" in meter.output.text


@given(raw=st.binary(max_size=200))
def test_no_bytes_kill_the_reader(raw):
    reader = EventReader()

    assert reader.feed(raw)[0] + reader.close()[0] == raw


@pytest.mark.parametrize("usage", [None, [], "7", 7, {"input_tokens": {}}])
def test_a_message_start_without_usage_is_no_start(usage):
    meter = read_stream(format_event("message_start", {"message": {"usage": usage}}))

    assert not meter.knows_input
