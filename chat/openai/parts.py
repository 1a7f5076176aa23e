"""Turns the content of a message, text or parts, into Claude's blocks."""

import re
from typing import Any
from urllib.parse import unquote

from chat.openai.fields import InvalidParameter, expect, need, read

Block = dict[str, Any]
# Parameters may stand between the media type and the mark of base64 (RFC 2397), such as charset=utf-8; Claude takes
# none of them.
DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;\s*base64\s*,", re.IGNORECASE)
# docs.anthropic.com, "vision". Many clients call image/jpeg image/jpg.
IMAGE_TYPES = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/jpg": "image/jpeg",
}


def read_parts(message: dict[str, Any], *, at: str, images: bool) -> list[Block]:
    """Return the blocks of a message's `content`, none where it is empty. Raises InvalidParameter."""
    content = message.get("content")
    if content is None or isinstance(content, str):
        return text_block(content or "")
    at = f"{at}.content"
    if not isinstance(content, list):
        raise InvalidParameter(at, "must be text or a list of parts.")
    blocks: list[Block] = []
    for number, part in enumerate(content):
        blocks += _read_part(expect(part, dict, param=f"{at}[{number}]"), at=f"{at}[{number}]", images=images)
    return blocks


def text_block(text: str) -> list[Block]:
    """Return a text as one block. Claude refuses blank text blocks, so blank text is none."""
    return [{"type": "text", "text": text}] if text.strip() else []


def _read_part(part: dict[str, Any], *, at: str, images: bool) -> list[Block]:
    kind = need(part, "type", str, at=at)
    if kind in {"text", "refusal"}:
        blocks = text_block(need(part, kind, str, at=at))
    elif kind == "image_url" and images:
        blocks = [
            {"type": "image", "source": _image_source(need(part, "image_url", dict, at=at), at=f"{at}.image_url")}
        ]
    else:
        raise InvalidParameter(f"{at}.type", f"must be text{' or image_url' if images else ''} here.")
    cache_control = read(part, "cache_control", dict, at=at)
    return [{**block, "cache_control": cache_control} for block in blocks] if cache_control else blocks


def _image_source(image: dict[str, Any], *, at: str) -> dict[str, str]:
    url, at = need(image, "url", str, at=at), f"{at}.url"
    if url[:8].lower() == "https://":
        return {"type": "url", "url": url}
    head = DATA_URL.match(url)
    if not head:
        raise InvalidParameter(at, "must be an https: address, or data:image/png;base64,... and the image.")
    media_type = head[1].strip().lower()
    if media_type not in IMAGE_TYPES:
        raise InvalidParameter(at, "the image must be a JPEG, PNG, GIF or WebP.")
    return {"type": "base64", "media_type": IMAGE_TYPES[media_type], "data": unquote(url[head.end() :])}
