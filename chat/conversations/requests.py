"""The request of a branch: what goes to Claude, with its prefix marked for the cache.

A breakpoint stands at the newest question, so that the next request reads all up to it at a tenth of the price, and at
the question before, so that a regenerated or edited answer does, too (platform.claude.com, "prompt caching").
"""

import base64
import json
from typing import Any

from django.conf import settings

from chat.claude_request import ClaudeRequest, read_messages_request
from chat.conversations.attachments import block_of
from chat.models import Block, Conversation, Message

BREAKPOINT = {"type": "ephemeral"}
BREAKPOINTS = 2
# Thinking of earlier answers may be left out, and that of another model must be.
THINKING = frozenset({"thinking", "redacted_thinking"})


def request_of(conversation: Conversation, *, branch: list[Message], model: str) -> ClaudeRequest:
    """Return the request that asks for the answer to the last message of `branch`.

    Reads the attached files of a branch that was not read whole.
    """
    return read_messages_request(json.dumps(body_of(conversation, branch=branch, model=model)).encode())


def body_of(conversation: Conversation, *, branch: list[Message], model: str) -> dict[str, Any]:
    """Return the body of `POST /v1/messages` for a branch, streamed and marked for the cache."""
    contents = [(message.role, _content(message)) for message in branch]
    messages: list[dict[str, Any]] = [{"role": role, "content": content} for role, content in contents if content]
    _mark(messages)
    body: dict[str, Any] = {"model": model, "max_tokens": settings.CHAT_MAX_TOKENS, "stream": True}
    if conversation.system:
        body["system"] = conversation.system
    if conversation.thinks:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    return {**body, "messages": joined(messages)}


def _content(message: Message) -> list[Block]:
    if message.role == Message.Role.ASSISTANT:
        return [dict(block) for block in message.content if block.get("type") not in THINKING]
    files = [block_of(each, base64.b64encode(bytes(each.data)).decode()) for each in message.attachments.all()]
    return [*files, {"type": "text", "text": message.text}] if message.text else files


def _mark(messages: list[dict[str, Any]]) -> None:
    """Put a breakpoint at the end of the newest questions."""
    questions = [each for each in messages if each["role"] == Message.Role.USER]
    for question in questions[-BREAKPOINTS:]:
        question["content"][-1] = {**question["content"][-1], "cache_control": BREAKPOINT}


def joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages with neighbours of one role joined, as where an answer failed before its first word."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1] = {**message, "content": [*turns[-1]["content"], *message["content"]]}
        else:
            turns.append(message)
    return turns
