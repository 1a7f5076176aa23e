"""Every answer against the SDK's own classes: nothing required is missing, and nothing unknown is sent."""

from __future__ import annotations

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import BaseModel, TypeAdapter

TOOL = {"name": "zoom", "input_schema": {"type": "object", "properties": {"by": {"type": "number"}}}}
PROMPTS = [
    "Hello",
    "[[usage thinking=9 web_search=1 tool_calls=2]]",
    "[[usage cache_read=1 cache_write_5m=2 cache_write_1h=3]]",
    "[[usage stop=refusal output=4]]",
    "[[usage stop=pause_turn]]",
    "[[usage no_split bare_delta]]",
    "[[usage output=0]]",
]
EVENT = TypeAdapter(RawMessageStreamEvent)


def unknown_fields(value, place=""):
    """The fields, anywhere in an SDK object, that its class does not have."""
    if isinstance(value, BaseModel):
        inner = [unknown_fields(getattr(value, name), f"{place}.{name}") for name in type(value).model_fields]
        return [*(f"{place}.{name}" for name in value.model_extra or {}), *(each for found in inner for each in found)]
    if isinstance(value, list):
        return [each for number, item in enumerate(value) for each in unknown_fields(item, f"{place}.{number}")]
    return []


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_message_is_one_of_the_sdks(http, body, prompt):
    message = Message.model_validate(http.post("/v1/messages", json=body(prompt, tools=[TOOL])).json())

    assert unknown_fields(message) == []


@pytest.mark.parametrize("prompt", PROMPTS)
def test_events_are_the_sdks(events, body, prompt):
    seen = [EVENT.validate_python(data) for name, data in events(body(prompt, tools=[TOOL])) if name != "ping"]

    assert [field for event in seen for field in unknown_fields(event)] == []
