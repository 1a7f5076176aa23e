"""API versions, and the requests that each refuses.

Source: "Versions" and the migration guide to 2026-10-21 in Claude's documentation
(platform.claude.com/docs/en/api/versioning).
"""

from __future__ import annotations

from sandbox.claude_api.errors import invalid
from sandbox.claude_api.request import Request, as_blocks

WITHOUT_SAMPLING = "2026-10-21"
KNOWN = ("2023-01-01", "2023-06-01", WITHOUT_SAMPLING)
_SAMPLING = ("temperature", "top_p", "top_k")


def read_version(header: bytes | None) -> str:
    """Return the version that an `anthropic-version` header asks for.

    Raises `ApiError` (400) without the header, and for a version that does not exist.
    """
    if header is None:
        raise invalid("anthropic-version: header is required")
    version = header.decode("latin-1").strip()
    if version not in KNOWN:
        raise invalid(f'anthropic-version: "{version[:80]}" is not a valid version')
    return version


def check_version(request: Request, *, version: str) -> None:
    """Raise `ApiError` (400) where this version refuses the request.

    2026-10-21 has no sampling parameters, whatever their value, no documents in an assistant's message, and no
    citations on a user's text. Earlier versions refuse none of these.
    """
    if version < WITHOUT_SAMPLING:
        return
    for name in _SAMPLING:
        if name in request.body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for number, message in enumerate(request.messages):
        for position, block in enumerate(as_blocks(message["content"])):
            place = f"messages.{number}.content.{position}"
            if message["role"] == "assistant" and block["type"] == "document":
                raise invalid(f"{place}: document blocks are not permitted in assistant messages")
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                raise invalid(f"{place}.text.citations: Extra inputs are not permitted")
