"""`response_format`: plain text, a JSON schema that Claude keeps to, or any JSON, which Claude is asked for."""

from typing import Any

from chat.openai.fields import InvalidParameter, need, read
from chat.openai.parts import Block, text_block

KINDS = ("text", "json_object", "json_schema")
# Claude has no mode for JSON of any form. It is told, as OpenAI wants its own models to be told.
JSON_INSTRUCTION = "Answer with one JSON object and nothing else: no text before or after it, and no code fence."


def read_response_format(data: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Block]]:
    """Return Claude's `output_config.format`, and blocks to end the system prompt with. Raises InvalidParameter."""
    wanted = read(data, "response_format", dict) or {"type": "text"}
    kind = need(wanted, "type", str, at="response_format")
    if kind not in KINDS:
        raise InvalidParameter("response_format.type", f"must be one of {', '.join(KINDS)}.")
    if kind == "json_schema":
        holder = need(wanted, "json_schema", dict, at="response_format")
        schema = need(holder, "schema", dict, at="response_format.json_schema")
        return {"type": "json_schema", "schema": schema}, []
    return None, text_block(JSON_INSTRUCTION) if kind == "json_object" else []
