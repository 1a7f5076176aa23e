"""An organization's API keys as pages and the management API show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import F, OrderBy, Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import ApiKey, ApiKeyQuerySet, KeyScope, User
from billing.caps.caps import CapBalance, key_cap_balances
from billing.caps.meter import CapMeter, cap_meter
from billing.models import BillingAccount


class KeyState(StrEnum):
    """The state of a key. Only an active one opens the API."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key. Without `models` it may use all of the plan's; without a `cap` only the organization's limits it."""

    id: int
    name: str
    hint: str
    scopes: list[KeyScope]
    opens: str
    models: list[str]
    project: str | None
    cap: CapBalance | None
    created_by: User | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: ApiKey | None
    state: KeyState

    @property
    def usable(self) -> bool:
        """Whether it opens the API. Other keys are kept as a record."""
        return self.state is KeyState.ACTIVE

    @property
    def may_chat(self) -> bool:
        """Whether it may call models. Other keys only manage."""
        return KeyScope.CHAT in self.scopes

    @property
    def meter(self) -> CapMeter | None:
        """The cap, ready for a page."""
        return cap_meter(self.cap) if self.cap else None


class KeyOrder(StrEnum):
    """The orders of a list of keys."""

    NEWEST = "newest"
    NAME = "name"
    LAST_USED = "used"


_ORDERS: dict[KeyOrder, tuple[str | OrderBy, ...]] = {
    KeyOrder.NEWEST: ("-created_at", "-id"),
    KeyOrder.NAME: (Lower("name").asc(), "-id"),
    KeyOrder.LAST_USED: (F("last_used_at").desc(nulls_last=True), "-id"),
}


def keys_of(*, organization_id: int) -> ApiKeyQuerySet:
    """Return an organization's keys, unordered."""
    return ApiKey.objects.filter(organization_id=organization_id).select_related("created_by", "replaced_by", "project")


def listed_keys(
    *, organization_id: int, usable: bool = True, text: str = "", order: KeyOrder = KeyOrder.NEWEST
) -> QuerySet[ApiKey]:
    """Return the keys that open the API, or those that no longer do.

    `text` is looked for in their names and in the parts of the keys that may be shown.
    """
    keys = keys_of(organization_id=organization_id)
    keys = keys.usable() if usable else keys.unusable()
    if text:
        keys = keys.filter(Q(name__icontains=text) | Q(prefix__icontains=text) | Q(last_four=text))
    return keys.order_by(*_ORDERS[order])


def key_rows(keys: Iterable[ApiKey], *, account: BillingAccount, now: datetime) -> list[KeyRow]:
    """Return the rows of an organization's keys, in order. `now` is billing time."""
    caps = key_cap_balances(account=account, now=now) if account.has_key_caps else {}
    return [_row(key, cap=caps.get(key.id), now=now) for key in keys]


def state_of(key: ApiKey, *, now: datetime) -> KeyState:
    """Return the state of a key at `now`, in billing time."""
    if key.revoked_at:
        return KeyState.REVOKED
    return KeyState.EXPIRED if key.expires_at and key.expires_at <= now else KeyState.ACTIVE


def _row(key: ApiKey, *, cap: CapBalance | None, now: datetime) -> KeyRow:
    return KeyRow(
        id=key.id,
        name=key.name,
        hint=key.hint,
        scopes=sorted(key.scope_set),
        opens=key.get_scopes_display(),
        models=key.allowed_models,
        project=key.project.name if key.project else None,
        cap=cap,
        created_by=key.created_by,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        replaced_by=key.replaced_by,
        state=state_of(key, now=now),
    )
