"""The words of an answer as pages follow them: what is new, and in the end what the blocks say."""

import json

import pytest

from chat.conversations.blocks import AnswerBlocks, text_of, thinking_of
from chat.sse import DELTA, Event

PARTS = [
    ("thinking", 0, "\n"),
    ("thinking", 0, "Let me "),
    ("thinking", 0, "see."),
    ("thinking", 1, ""),
    ("thinking", 2, " Yes. "),
    ("text", 3, "\n\n"),
    ("text", 4, "One"),
    ("text", 4, " and\0 two."),
    ("text", 5, "\n"),
    ("text", 5, "Three."),
]


def event_of(kind: str, index: int, piece: str) -> Event:
    delta = {"type": f"{kind}_delta", kind: piece}
    return Event(DELTA, json.dumps({"index": index, "delta": delta}).encode())


@pytest.mark.parametrize("every", [1, 2, 3, len(PARTS)])
def test_a_page_is_told_each_word_once_however_often_it_looks(every: int):
    blocks, thinking, text = AnswerBlocks(), "", ""

    for at, part in enumerate(PARTS, start=1):
        blocks.read(event_of(*part))
        if at % every == 0 or at == len(PARTS):
            thinking += blocks.thinking.after(len(thinking))
            text += blocks.text.after(len(text))

    assert (thinking, text) == (thinking_of(blocks.content), text_of(blocks.content))
    assert text == "One and\N{REPLACEMENT CHARACTER} two.\n\n\nThree."
    assert blocks.text.after(len(text)) == blocks.text.after(10_000) == ""


def test_words_of_a_blocks_start_are_told():
    blocks = AnswerBlocks()

    blocks.read(Event("content_block_start", b'{"index": 0, "content_block": {"type": "text", "text": "Hi"}}'))
    blocks.read(event_of("text", 0, " there"))

    assert blocks.text.after(0) == text_of(blocks.content) == "Hi there"
