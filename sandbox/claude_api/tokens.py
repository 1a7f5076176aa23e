"""The sandbox's tokenizer: deterministic, additive and cheap. It is not Claude's, whose tokenizer is not public.

| What | Tokens |
|---|---|
| text | one per 4 bytes of UTF-8, rounded up |
| a request | 3 |
| a message | 4, and its blocks |
| an image | one per 750 pixels, at most 1568; 1568 where its size is unknown (a URL, a file, WebP) |
| a PDF | 1800 a page, its pages counted in the file; one page where there is none to count |
| a tool | its JSON as text; and 346 once for a request with tools (313 where a tool is forced), as Claude documents |
| any other block | its JSON as text, without `type` and `cache_control` |
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from sandbox.claude_api.images import LARGEST_IMAGE_TOKENS, image_tokens

BYTES_PER_TOKEN = 4
REQUEST_TOKENS = 3
MESSAGE_TOKENS = 4
PDF_PAGE_TOKENS = 1800
TOOLS_TOKENS = 346
FORCED_TOOLS_TOKENS = 313
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_NOT_COUNTED = frozenset({"type", "cache_control"})


def count_text(text: str) -> int:
    """Count the tokens of a text: one per 4 bytes, rounded up, so that a text can be counted as it grows."""
    return tokens_of(byte_length=byte_length(text))


def byte_length(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def tokens_of(*, byte_length: int) -> int:
    """Return the tokens of a text of that many bytes."""
    return -(-byte_length // BYTES_PER_TOKEN)


def count_json(value: object) -> int:
    """Count the tokens of a JSON value, written as text."""
    return count_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def count_block(block: dict[str, Any]) -> int:
    """Count the tokens of a content block."""
    kind = block.get("type")
    if kind == "text":
        return count_text(str(block.get("text", "")))
    if kind == "image":
        return _count_image(block.get("source"))
    if kind == "document":
        return _count_document(block)
    rest = {name: value for name, value in block.items() if name not in _NOT_COUNTED}
    if kind == "tool_result":
        return count_content(rest.pop("content", "")) + count_json(rest)
    return count_json(rest)


def count_content(content: object) -> int:
    """Count the tokens of a content: a text, or a list of blocks."""
    if isinstance(content, list):
        return sum(count_block(block) if isinstance(block, dict) else count_json(block) for block in content)
    return count_text(str(content))


def count_tool(tool: dict[str, Any]) -> int:
    """Count the tokens of a tool's definition."""
    return count_json({name: value for name, value in tool.items() if name != "cache_control"})


def _count_image(source: object) -> int:
    if isinstance(source, dict) and source.get("type") == "base64":
        return image_tokens(data=str(source.get("data", "")))
    return LARGEST_IMAGE_TOKENS


def _count_document(block: dict[str, Any]) -> int:
    source = block.get("source")
    about = count_text(f"{block.get('title') or ''}{block.get('context') or ''}")
    if not isinstance(source, dict):
        return about + PDF_PAGE_TOKENS
    if source.get("type") == "text":
        return about + count_text(str(source.get("data", "")))
    if source.get("type") == "content":
        return about + count_content(source.get("content", ""))
    pages = _pdf_pages(str(source.get("data", ""))) if source.get("type") == "base64" else 1
    return about + pages * PDF_PAGE_TOKENS


def _pdf_pages(data: str) -> int:
    try:
        return max(1, len(_PDF_PAGE.findall(base64.b64decode(data, validate=False))))
    except (binascii.Error, ValueError):
        return 1
