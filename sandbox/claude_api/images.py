"""Images: the kind and the size of a file, read from its first bytes."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

from sandbox.claude_api.errors import invalid

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
MEDIA_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_MEDIA_TYPES_TOLD = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
# Claude scales images down before it reads them; one of the largest size costs about this much:
# https://platform.claude.com/docs/en/build-with-claude/vision#calculate-image-costs
LARGEST_IMAGE_TOKENS = 1568
PIXELS_PER_TOKEN = 750
# A JPEG's size comes after its tables and thumbnails, so it needs more of the file than a PNG's.
_HEAD_BASE64_CHARACTERS = 64 * 1024


def image_tokens(*, data: str) -> int:
    """Return the tokens of a base64 image: one per 750 pixels, at most 1568; 1568 for a size that cannot be read."""
    size = _size(_head(data))
    if size is None:
        return LARGEST_IMAGE_TOKENS
    width, height = size
    return max(1, min(LARGEST_IMAGE_TOKENS, -(-width * height // PIXELS_PER_TOKEN)))


def check_image(source: dict[str, Any], *, place: str) -> None:
    """Raise `ApiError` (400) for a base64 picture that is of no known type, or of another than its source says."""
    if source.get("type") != "base64":
        return
    declared = source.get("media_type")
    if declared not in MEDIA_TYPES:
        raise invalid(f"{place}.base64.media_type: Input should be {_MEDIA_TYPES_TOLD}")
    found = _media_type(_head(str(source.get("data", ""))))
    if found is None:
        raise invalid("Could not process image")
    if found != declared:
        raise invalid(
            f"{place}.base64: The image was specified using the {declared} media type, "
            f"but the image appears to be a {found} image"
        )


def _media_type(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)


def _head(data: str) -> bytes:
    try:
        return base64.b64decode(data[:_HEAD_BASE64_CHARACTERS], validate=False)
    except (binascii.Error, ValueError):
        return b""


def _size(head: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF or JPEG; None for anything else."""
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", head[16:24])
        if head.startswith((b"GIF87a", b"GIF89a")):
            return struct.unpack("<HH", head[6:10])
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(head)
    except struct.error:
        return None
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        # SOF0 to SOF15 hold the size, but for three that are Huffman and arithmetic tables.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return width, height
        position += 2 + struct.unpack(">H", head[position + 2 : position + 4])[0]
    return None
