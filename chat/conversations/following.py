"""Following an answer: what has come of it since, told to pages as server-sent events.

The process that writes an answer tells from memory; another reads the message, which is written down twice a second.
An event's id says how much was told, so that a page whose network was cut goes on where it was.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from chat.conversations.answering import answer_here
from chat.conversations.blocks import text_of, thinking_of
from chat.conversations.failures import BROKE_OFF, WORDS
from chat.conversations.markdown import render
from chat.models import Message
from chat.sse import format_event
from common.database import in_database
from common.outage import DatabaseUnavailable

LOOK_EVERY_S = 0.08
LOOK_ELSEWHERE_EVERY_S = 0.6
PING_EVERY_S = 15.0
# Of one answer, in one process. More pages ask again after a while, in which the answer may be over.
MOST_FOLLOWERS = 5
FULL = b"retry: 10000\n: as many pages as may follow this answer do\n\n"
# Its process wrote nothing for so long: it is dead, and the ledger abandons its record.
DEAD_AFTER = timedelta(seconds=30)
EVENT_ID = re.compile(r"(\d{1,9})\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Seen:
    """The part of an answer that is new to a page."""

    thinking: str
    text: str
    over: bool


async def follow(message_id: int, *, last_event_id: str = "") -> AsyncIterator[bytes]:
    """Yield what comes of an answer as events: `thinking` and `text` with pieces, and `over` once, at its end.

    Where MOST_FOLLOWERS follow it here, the stream ends at once and says when to come back.
    """
    if _followers[message_id] >= MOST_FOLLOWERS:
        yield FULL
        return
    _followers[message_id] += 1
    try:
        async for event in _tell(message_id, last_event_id=last_event_id):
            yield event
    finally:
        _followers[message_id] -= 1
        if not _followers[message_id]:
            del _followers[message_id]


async def _tell(message_id: int, *, last_event_id: str) -> AsyncIterator[bytes]:
    found = EVENT_ID.fullmatch(last_event_id)
    thought, written = (int(found[1]), int(found[2])) if found else (0, 0)
    quiet_s = 0.0
    while True:
        seen = await _look(message_id, thought=thought, written=written)
        thought, written = thought + len(seen.thinking), written + len(seen.text)
        for name, piece in (("thinking", seen.thinking), ("text", seen.text)):
            if piece:
                quiet_s = 0.0
                yield f"id: {thought}.{written}\n".encode() + format_event(name, {"text": piece})
        if seen.over:
            yield format_event("over", {})
            return
        pause_s = LOOK_EVERY_S if answer_here(message_id) else LOOK_ELSEWHERE_EVERY_S
        await asyncio.sleep(pause_s)
        quiet_s += pause_s
        if quiet_s >= PING_EVERY_S:
            quiet_s = 0.0
            yield b": still writing\n\n"


async def _look(message_id: int, *, thought: int, written: int) -> Seen:
    if answer := answer_here(message_id):
        return Seen(answer.blocks.thinking.after(thought), answer.blocks.text.after(written), over=False)
    try:
        return await in_database(read, message_id, thought, written)
    except DatabaseUnavailable:
        return Seen("", "", over=False)


_followers: Counter[int] = Counter()


def read(message_id: int, thought: int = 0, written: int = 0) -> Seen:
    """Return an answer as the database has it, after so many characters. One whose process died is ended here."""
    message = Message.objects.filter(id=message_id).only("state", "content", "alive_at").first()
    if message is None:
        return Seen("", "", over=True)
    end_if_dead(message)
    over = message.state != Message.State.WRITING
    return Seen(thinking_of(message.content)[thought:], text_of(message.content)[written:], over=over)


def end_if_dead(message: Message) -> None:
    """End an answer whose process died while it wrote; what came of it stays."""
    if message.state != Message.State.WRITING or message.alive_at is None:
        return
    if timezone.now() - message.alive_at < DEAD_AFTER:
        return
    message.state, message.failure, message.failure_text = Message.State.FAILED, BROKE_OFF, WORDS[BROKE_OFF]
    message.text = text_of(message.content)
    message.html = render(message.text)
    Message.objects.filter(id=message.id, state=Message.State.WRITING).update(
        state=message.state,
        failure=message.failure,
        failure_text=message.failure_text,
        text=message.text,
        html=message.html,
    )
