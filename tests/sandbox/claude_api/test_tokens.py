"""The tokenizer, through count_tokens, and by itself where a file must be made up."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.claude_api.parts import TextPart
from sandbox.claude_api.tokens import count_block, count_text

EMPTY_MESSAGE_TOKENS = 7


def png(width, height):
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06\0\0\0"
    ).decode()


def gif(width, height):
    return base64.b64encode(b"GIF89a" + struct.pack("<HH", width, height)).decode()


def jpeg(width, height):
    tables = b"\xff\xe0\x00\x04ab" + b"\xff\xc4\x00\x03a"
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + bytes(9)
    return base64.b64encode(b"\xff\xd8" + tables + frame).decode()


def image(data, **source):
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data, **source}}


@pytest.fixture
def count(claude):
    def send(content, **fields):
        messages = [{"role": "user", "content": content}]
        return claude.messages.count_tokens(model="claude-haiku-5-5", messages=messages, **fields).input_tokens

    return send


def test_it_counts_as_messages_bill(claude, count):
    content = [{"type": "text", "text": "Look at this: Grüße"}, image(png(100, 200))]
    tools = [{"name": "zoom", "input_schema": {"type": "object"}}]

    billed = claude.messages.create(
        model="claude-haiku-5-5",
        max_tokens=10,
        messages=[{"role": "user", "content": content}],
        tools=tools,
        system="Be brief.",
    )

    assert count(content, tools=tools, system="Be brief.") == billed.usage.input_tokens


@pytest.mark.parametrize(("text", "tokens"), [("a", 1), ("abcd", 1), ("abcde", 2), ("üü", 1), ("日本", 2)])
def test_it_takes_four_bytes_for_a_token(count, text, tokens):
    assert count(text) == EMPTY_MESSAGE_TOKENS + tokens


def test_it_counts_a_text_and_its_one_block_alike(count):
    assert count("Hello") == count([{"type": "text", "text": "Hello"}])


def test_it_counts_every_input_class_of_a_directive(count):
    assert count("[[usage input=1 cache_read=20 cache_write_5m=300 cache_write_1h=4000]]") == 4321


@pytest.mark.parametrize(("make", "kind"), [(png, "image/png"), (gif, "image/gif"), (jpeg, "image/jpeg")])
def test_it_counts_an_image_by_its_size(count, make, kind):
    assert count([image(make(300, 250), media_type=kind)]) == EMPTY_MESSAGE_TOKENS + 100


def test_it_counts_a_large_image_as_the_largest(count):
    assert count([image(png(8000, 8000))]) == EMPTY_MESSAGE_TOKENS + 1568


@pytest.mark.parametrize(("start", "kind"), [(b"\xff\xd8\xff", "image/jpeg"), (b"GIF89a", "image/gif")])
def test_it_counts_an_image_of_unknown_size_as_the_largest(count, start, kind):
    assert count([image(base64.b64encode(start).decode(), media_type=kind)]) == EMPTY_MESSAGE_TOKENS + 1568


def test_it_counts_the_pages_of_a_pdf():
    pdf = base64.b64encode(b"%PDF-1.4 /Type /Pages /Type /Page x /Type/Page ").decode()

    block = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": pdf}}

    assert count_block(block) == 2 * 1800


def test_it_counts_a_plain_document_as_text():
    source = {"type": "text", "media_type": "text/plain", "data": "x" * 400}

    assert count_block({"type": "document", "source": source, "title": "abcd"}) == 101


def test_it_counts_what_a_tool_result_holds(count):
    def result(content):
        return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}

    assert count_block(result("x" * 400)) == count_block(result([{"type": "text", "text": "x" * 400}]))
    assert count_block(result([image(png(300, 250))])) - count_block(result([])) == 100


def test_it_adds_once_for_tools_and_less_where_one_is_forced(count):
    tool = {"name": "zoom", "input_schema": {"type": "object"}}
    plain, forced = count("x", tools=[tool]), count("x", tools=[tool], tool_choice={"type": "any"})

    assert plain - forced == 346 - 313


def test_it_takes_no_max_tokens(http, body):
    answer = http.post("/v1/messages/count_tokens", json=body())

    assert answer.json()["error"]["message"] == "max_tokens: Extra inputs are not permitted"


def test_it_leaves_no_row_in_the_ledger(count, control):
    count("Hello")

    assert control.get("ledger")["data"] == []


@given(text=st.text(min_size=1, max_size=300), chunks=st.integers(1, 40))
def test_the_tokens_of_growing_text_are_those_of_its_beginning(text, chunks):
    part = TextPart(text=text, tokens=count_text(text))

    said = ""
    for delta, so_far in part.pieces(chunks):
        said += delta["text"]
        assert so_far == count_text(said)
    assert said == text


@given(text=st.text(min_size=1, max_size=300), data=st.data())
def test_a_text_that_is_cut_costs_no_more_than_its_limit(text, data):
    part = TextPart(text=text, tokens=count_text(text))
    limit = data.draw(st.integers(0, part.tokens))

    cut = part.cut(limit)

    assert text.startswith(cut.text)
    assert limit - 1 <= count_text(cut.text) <= limit
