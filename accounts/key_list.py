"""An organization's API keys as a list shows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.models import ApiKey, Organization


class KeyState(StrEnum):
    """Whether a key opens anything, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key. `usable` keys open the API; the others are kept as a record."""

    id: int
    name: str
    hint: str
    scopes: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    usable: bool
    state: str


def keys_of(*, organization: Organization, now: datetime) -> list[KeyRow]:
    """Return the organization's keys: those that open the API first, the newest first among them."""
    keys = ApiKey.objects.filter(organization=organization).select_related("created_by").order_by("-created_at", "-id")
    return sorted((_row(key, now=now) for key in keys), key=lambda row: not row.usable)


def state_of(key: ApiKey, *, now: datetime) -> KeyState:
    """Tell whether a key opens anything at `now`, in wall time."""
    if key.revoked_at:
        return KeyState.REVOKED
    return KeyState.EXPIRED if key.expires_at and key.expires_at <= now else KeyState.ACTIVE


def _row(key: ApiKey, *, now: datetime) -> KeyRow:
    state = state_of(key, now=now)
    return KeyRow(
        id=key.id,
        name=key.name,
        hint=key.hint,
        scopes=key.get_scopes_display(),
        created_by=key.created_by.get_full_name() if key.created_by else "",
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        usable=state is KeyState.ACTIVE,
        state=state.capitalize(),
    )
