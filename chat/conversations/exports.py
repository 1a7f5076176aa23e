"""A conversation as a file: Markdown of the branch that is shown, or JSON of all branches."""

import json
from typing import Any

from billing.money import to_dollars
from billing.tokens import TOKEN_COLUMNS
from chat.conversations.costs import records_of
from chat.conversations.tree import messages_of, tree_of
from chat.models import Conversation, Message

SPEAKERS = {Message.Role.USER: "You", Message.Role.ASSISTANT: "Claude"}


def as_markdown(conversation: Conversation) -> str:
    """Return the branch that is shown as Markdown."""
    parts = [f"# {conversation.title}"]
    if conversation.system:
        parts.append(f"> {conversation.system}".replace("\n", "\n> "))
    for message in messages_of(tree_of(conversation).branch(conversation.current_id)):
        files = [f"*Attached: {each.name}*" for each in message.attachments.all()]
        parts += [f"## {SPEAKERS[Message.Role(message.role)]}", *files, message.text]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(conversation: Conversation) -> str:
    """Return all branches as JSON, each answer with its tokens and its exact cost in dollars."""
    messages = messages_of(list(tree_of(conversation).nodes))
    records = records_of(message.request_id for message in messages)
    data = {
        "title": conversation.title,
        "model": conversation.model,
        "system": conversation.system,
        "created_at": conversation.created_at.isoformat(),
        "current_id": conversation.current_id,
        "messages": [_message(each, records=records) for each in messages],
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _message(message: Message, *, records: dict[str, Any]) -> dict[str, Any]:
    record = records.get(message.request_id)
    told: dict[str, Any] = {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "created_at": message.created_at.isoformat(),
        "text": message.text,
    }
    if files := [{"name": each.name, "media_type": each.media_type} for each in message.attachments.all()]:
        told["files"] = files
    if message.role == Message.Role.ASSISTANT:
        told |= {"state": message.state, "model": message.model, "stop_reason": message.stop_reason}
        told |= {"request_id": message.request_id, "content": message.content}
    if record is not None:
        told["usage"] = {name: getattr(record, name) for name in TOKEN_COLUMNS}
        told["cost"] = str(to_dollars(record.cost_minor))
    return told
