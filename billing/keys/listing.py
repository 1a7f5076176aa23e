"""An organization's API keys as pages and the management API show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from accounts.models import ApiKey, KeyScope, User
from billing.caps.caps import CapStanding, key_cap_standings
from billing.caps.meter import CapMeter, cap_meter
from billing.models import BillingAccount


class KeyState(StrEnum):
    """Whether a key opens anything, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key. Without `models` it may use the plan's; without a `cap` it may spend what the organization may."""

    id: int
    name: str
    hint: str
    scopes: list[KeyScope]
    opens: str
    models: list[str]
    cap: CapStanding | None
    created_by: User | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    state: KeyState

    @property
    def usable(self) -> bool:
        """Whether it opens the API. The others are kept as a record."""
        return self.state is KeyState.ACTIVE

    @property
    def may_chat(self) -> bool:
        """Whether it opens the models at all. Others only manage."""
        return KeyScope.CHAT in self.scopes

    @property
    def meter(self) -> CapMeter | None:
        """The cap, ready for a page."""
        return cap_meter(self.cap) if self.cap else None


def keys_of(*, organization_id: int) -> QuerySet[ApiKey]:
    """Return an organization's keys, in no order yet."""
    return ApiKey.objects.filter(organization_id=organization_id).select_related("created_by")


def key_rows(keys: Iterable[ApiKey], *, account: BillingAccount, at: datetime, now: datetime) -> list[KeyRow]:
    """Return keys of the account's organization as they are shown, in their order. `at` is wall, `now` billing time."""
    caps = key_cap_standings(account=account, now=now) if account.has_key_caps else {}
    return [_row(key, cap=caps.get(key.id), at=at) for key in keys]


def state_of(key: ApiKey, *, at: datetime) -> KeyState:
    """Tell whether a key opens anything at `at`, in wall time."""
    if key.revoked_at:
        return KeyState.REVOKED
    return KeyState.EXPIRED if key.expires_at and key.expires_at <= at else KeyState.ACTIVE


def _row(key: ApiKey, *, cap: CapStanding | None, at: datetime) -> KeyRow:
    return KeyRow(
        id=key.id,
        name=key.name,
        hint=key.hint,
        scopes=sorted(key.scope_set),
        opens=key.get_scopes_display(),
        models=key.allowed_models,
        cap=cap,
        created_by=key.created_by,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        state=state_of(key, at=at),
    )
