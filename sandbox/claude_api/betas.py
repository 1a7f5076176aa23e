"""Fields that a beta brings: which of them the sandbox simulates, and how it refuses the others.

A field that was let through and ignored would be billed and answered as if it were not there, so a test that passes
here could fail at Claude. `sandbox_not_simulated` stands in each of these refusals.
"""

from __future__ import annotations

from typing import Any

from sandbox.claude_api.body_shape import MessagesBody
from sandbox.claude_api.errors import ApiError, invalid

NOT_SIMULATED = "sandbox_not_simulated"
_PLAIN_FIELDS = MessagesBody.__required_keys__ | MessagesBody.__optional_keys__
# These edits take old blocks out of a prompt that has grown past their trigger. The sandbox takes nothing out.
_HARMLESS_EDITS = "clear_"


def check_betas(body: dict[str, Any]) -> None:
    """Raise `ApiError` (400) for the first field of a beta that the sandbox does not simulate."""
    for name, value in body.items():
        if name in _PLAIN_FIELDS or value is None:
            continue
        if name == "thread":
            raise _no_threads()
        if name != "context_management":
            raise invalid(f"{name[:80]}: {NOT_SIMULATED}: the sandbox's Claude does not know this field")
        _check_edits(value)


def _no_threads() -> ApiError:
    """Claude's own answer where it cannot keep a thread; the SDKs' tool runners then go on without one."""
    return ApiError(
        status=400,
        message=f"thread: {NOT_SIMULATED}: the sandbox's Claude keeps no threads",
        details={"error_code": "thread_unsupported_request", "unsupported": [NOT_SIMULATED]},
    )


def _check_edits(context_management: object) -> None:
    if not isinstance(context_management, dict):
        raise invalid("context_management: Input should be a valid dictionary")
    edits = context_management.get("edits") or []
    if not isinstance(edits, list):
        raise invalid("context_management.edits: Input should be a valid list")
    for number, edit in enumerate(edits):
        kind = edit.get("type") if isinstance(edit, dict) else None
        if not isinstance(kind, str):
            raise invalid(f"context_management.edits.{number}.type: Field required")
        if not kind.startswith(_HARMLESS_EDITS):
            raise invalid(f"context_management.edits.{number}: {NOT_SIMULATED}: {kind[:80]}")
