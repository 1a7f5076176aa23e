"""A conversation as code that goes on with it: curl, Python and TypeScript."""

import json
from typing import Any

from django.conf import settings

from chat.conversations.attachments import block_of
from chat.conversations.requests import THINKING, joined
from chat.models import Conversation, Message

KEY = "YOUR_API_KEY"


def snippets(conversation: Conversation, *, branch: list[Message]) -> dict[str, str]:
    """Return the request that gave the branch's last answer in each language, with a key's place left open."""
    if branch and branch[-1].role == Message.Role.ASSISTANT:
        branch = branch[:-1]
    body: dict[str, Any] = {"model": conversation.model, "max_tokens": settings.CHAT_MAX_TOKENS}
    if conversation.system:
        body["system"] = conversation.system
    if conversation.thinks:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    messages = joined([{"role": each.role, "content": _content(each)} for each in branch])
    body["messages"] = [{**message, "content": _short(message["content"])} for message in messages]
    return {"curl": _curl(body), "python": _python(body), "typescript": _typescript(body)}


def _content(message: Message) -> list[dict[str, Any]]:
    if message.role == Message.Role.ASSISTANT:
        return [block for block in message.content if block.get("type") not in THINKING]
    files = [block_of(each, f"<base64 of {each.name}>") for each in message.attachments.all()]
    return [*files, {"type": "text", "text": message.text}]


def _short(content: list[dict[str, Any]]) -> object:
    """Return content as its words where it has nothing else."""
    is_text = len(content) == 1 and content[0].get("type") == "text"
    return content[0]["text"] if is_text else content


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _curl(body: dict[str, Any]) -> str:
    quoted = _json(body).replace("'", "'\\''")
    return (
        f"curl {settings.PUBLIC_URL}/v1/messages \\\n"
        f'  -H "Authorization: Bearer {KEY}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{quoted}'"
    )


def _python(body: dict[str, Any]) -> str:
    # Text, numbers, lists and objects of JSON read the same in Python; a request has nothing else.
    arguments = "".join(f"    {name}={_indented(_json(value))},\n" for name, value in body.items())
    return (
        "from anthropic import Anthropic\n\n"
        f'client = Anthropic(base_url="{settings.PUBLIC_URL}", api_key="{KEY}")\n'
        f"message = client.messages.create(\n{arguments})\n"
        "print(message.content)"
    )


def _typescript(body: dict[str, Any]) -> str:
    return (
        'import Anthropic from "@anthropic-ai/sdk";\n\n'
        f'const client = new Anthropic({{ baseURL: "{settings.PUBLIC_URL}", apiKey: "{KEY}" }});\n'
        f"const message = await client.messages.create({_json(body)});\n"
        "console.log(message.content);"
    )


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
