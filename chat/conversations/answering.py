"""Answers: asked on the path of the API, and written down as they come, whether or not a page looks on.

An answer is a task of the process that was asked. It begins and settles its usage record as every other call does
(chat.completions, chat.streaming), so limits, caps, trial and errors are the API's. A page that is reloaded finds the
message; only the button stops it, which cuts the stream as a client that goes away does (STREAM_ABORT_POLICY).
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from chat import completions
from chat.claude_request import ClaudeRequest
from chat.completions import Person
from chat.conversations.blocks import AnswerBlocks, text_of
from chat.conversations.failures import BROKE_OFF, WORDS, failure_of
from chat.conversations.markdown import render
from chat.conversations.requests import request_of
from chat.conversations.tree import messages_of, tree_of
from chat.models import Block, Message
from chat.streaming import StreamedCompletion
from common import background
from common.database import in_database
from common.outage import DatabaseUnavailable

logger = logging.getLogger(__name__)

# How often the words so far are written down, and a stop that another process was asked for is noticed.
SAVE_EVERY_S = 0.5
# A process that is silent for much longer is dead: chat.conversations.following.
HEARTBEAT = timedelta(seconds=5)
# An answer is written down at its end for as long as the ledger tries to settle, and a little longer.
FINISHING_S = 90.0
FINISHING_PAUSE_S = 0.5
FINISHED = (Message.State.DONE, Message.State.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """All that is needed to ask for an answer."""

    caller: Person
    request: ClaudeRequest
    request_id: str


class Answer:
    """An answer that this process is writing."""

    def __init__(self, *, message_id: int) -> None:
        self.message_id = message_id
        self.blocks = AnswerBlocks()
        self._stream: StreamedCompletion | None = None
        self._stop_wanted = False

    def stop(self) -> None:
        """Cut the answer off, as the abort policy has it. Changes nothing after its end."""
        self._stop_wanted = True
        if self._stream:
            self._stream.client_gone()

    async def write(self) -> None:
        """Ask for the answer and write it down to its end, whichever that is."""
        failure, failure_text = "", ""
        saving = background.spawn(self._save_often())
        try:
            await self._ask()
        except Exception as error:
            failure, failure_text = failure_of(error)
            if failure == "fault":
                logger.exception("an answer failed", extra={"message_id": self.message_id})
        finally:
            saving.cancel()
        if self.blocks.error and not failure:
            failure, failure_text = BROKE_OFF, WORDS[BROKE_OFF]
        await self._finish(failure, failure_text)

    async def _ask(self) -> None:
        call = await _call_of(self.message_id)
        begun = await completions.begin(caller=call.caller, request=call.request, request_id=call.request_id)
        self._stream = StreamedCompletion(begun=begun, request=call.request, headers={}, reshape=self.blocks.reshape)
        if self._stop_wanted:
            self.stop()
        await self._stream.opened()
        await self._stream.send_to(_discard)

    async def _save_often(self) -> None:
        saved: list[Block] | None = None
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            content = self.blocks.content
            with suppress(DatabaseUnavailable):
                changed = content if content != saved else None
                if await in_database(_save, self.message_id, changed, timezone.now()):
                    self.stop()
                saved = content

    async def _finish(self, failure: str, failure_text: str) -> None:
        content = self.blocks.content
        text = text_of(content)
        html = await asyncio.to_thread(render, text)
        state = Message.State.STOPPED if self._stop_wanted and not self.blocks.stop_reason else Message.State.DONE
        ending = {
            "state": Message.State.FAILED if failure else state,
            "content": content,
            "text": text,
            "html": html,
            "stop_reason": self.blocks.stop_reason,
            "failure": failure,
            "failure_text": failure_text,
        }
        async with asyncio.timeout(FINISHING_S):
            while True:
                with suppress(DatabaseUnavailable):
                    await in_database(_end, self.message_id, ending)
                    return
                await asyncio.sleep(FINISHING_PAUSE_S)


_answers: dict[int, Answer] = {}


async def start(message_id: int) -> None:
    """Have an answer written in the background. Each is started once, by the request that made it."""
    answer = _answers[message_id] = Answer(message_id=message_id)
    background.spawn(_write(answer))


async def stop(message_id: int) -> None:
    """Stop an answer that this process writes. Another process notices that its message was asked to stop."""
    if answer := _answers.get(message_id):
        answer.stop()


def answer_here(message_id: int) -> Answer | None:
    """Return the answer, if this process is writing it."""
    return _answers.get(message_id)


async def _write(answer: Answer) -> None:
    try:
        await answer.write()
    finally:
        _answers.pop(answer.message_id, None)


async def _call_of(message_id: int) -> _Call:
    answer, branch = await in_database(_branch_of, message_id)
    conversation = answer.conversation
    # Megabytes of files are encoded beside the few database threads, which look up everybody's keys.
    request = await asyncio.to_thread(request_of, conversation, branch=branch, model=answer.model)
    return _Call(
        caller=Person(organization_id=conversation.membership.organization_id),
        request=request,
        request_id=answer.request_id,
    )


def _branch_of(message_id: int) -> tuple[Message, list[Message]]:
    """Return an answer-to-be and the branch that leads to it, whole, so that nothing more is read to ask for it."""
    answer = Message.objects.select_related("conversation__membership").get(id=message_id)
    ids = tree_of(answer.conversation).branch(answer.parent_id)
    return answer, messages_of(ids, whole=True)


def _save(message_id: int, content: list[Block] | None, alive_at: datetime) -> bool:
    """Write down the words so far, if they have changed; return whether the answer was asked to stop."""
    row = Message.objects.filter(id=message_id, state=Message.State.WRITING)
    if content is not None:
        row.update(content=content, alive_at=alive_at)
    else:
        stale = alive_at - HEARTBEAT
        row.filter(alive_at__lt=stale).update(alive_at=alive_at)
    return row.filter(stop_asked=True).exists()


def _end(message_id: int, ending: dict[str, object]) -> None:
    Message.objects.filter(id=message_id).exclude(state__in=FINISHED).update(**ending)


async def _discard(part: bytes) -> None:
    """Write for nobody: pages follow the message."""
