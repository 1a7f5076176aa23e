"""Chat completions as plain HTTP: bodies, and answers, whole or in chunks."""

import json
from typing import Any

from billing.models import UsageRecord
from tests.chat.http import Answer, send
from tests.factories import HAIKU, Customer
from tests.servers import SandboxServer

PATH = "/v1/chat/completions"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def body(prompt: str = "Hello", **fields: Any) -> dict[str, Any]:
    """Return the body of a chat completion."""
    return {"model": HAIKU, "messages": [{"role": "user", "content": prompt}], **fields}


def complete(api: str, customer: Customer, prompt: str = "Hello", **fields: Any) -> Answer:
    """Ask for a chat completion."""
    return post(api, customer, body(prompt, **fields))


def post(api: str, customer: Customer, data: Any) -> Answer:
    """Send any JSON as a chat completion."""
    return send(api, "POST", PATH, body=data, headers={"authorization": f"Bearer {customer.key}"})


def chunks_of(answer: Answer) -> list[dict[str, Any]]:
    """Return a stream's chunks; fails where it is not whole, with DONE as its last event."""
    *events, done = data_of(answer)
    assert done == "[DONE]"
    return [json.loads(event) for event in events]


def data_of(answer: Answer) -> list[str]:
    """Return the data of a stream's events; fails where an event has anything else, a name above all."""
    assert answer.body.endswith(b"\n\n")
    events = [event for event in answer.body.decode().split("\n\n") if event and not event.startswith(":")]
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    return [event.removeprefix("data: ") for event in events]


def deltas_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the delta of each chunk of a stream."""
    return [chunk["choices"][0]["delta"] for chunk in chunks_of(answer) if chunk["choices"]]


def error_of(answer: Answer) -> dict[str, Any]:
    """Return an error; fails where it is not of OpenAI's shape, or has no request id."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["request-id"] == answer.headers["x-request-id"]
    assert set(answer.json) == {"error"}
    error: dict[str, Any] = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def sent_to_claude(sandbox: SandboxServer) -> dict[str, Any]:
    """Return the body of the newest call of Claude's messages, as it came there."""
    calls = sandbox.control("GET", "/claude/requests")["data"]
    sent: dict[str, Any] = next(call["body"] for call in calls if call["path"] == "/v1/messages")
    return sent


def input_tokens_of(record: UsageRecord) -> int:
    """Return the tokens of all input classes of a record."""
    return record.input_tokens + record.cache_write_5m_tokens + record.cache_write_1h_tokens + record.cache_read_tokens
