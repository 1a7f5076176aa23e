"""API keys: made and shown once, looked up by hash, revoked everywhere within seconds."""

import hashlib
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.database import in_database
from accounts.models import ApiKey, KeyScope, Organization, User

KEY_PREFIX = "rgent_"
KEY_BYTES = 32
# A revoked key must stop working within 5 s in every process, so no process trusts a lookup for longer than this.
LOOKUP_TTL_S = 2.0
MAX_REMEMBERED = 50_000
LAST_USED_RESOLUTION_S = 60.0


class UnknownApiKey(Exception):
    """The key is missing, wrong, expired or revoked."""


class ScopeMissing(Exception):
    """The key is good, but not for this. The message says which scope it lacks."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: what the path of a request needs to know of a key."""

    api_key_id: int
    organization_id: int
    scopes: frozenset[KeyScope] = frozenset({KeyScope.CHAT})


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256 in hexadecimal. 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def create_api_key(
    *,
    organization: Organization,
    name: str,
    created_by: User | None = None,
    scopes: Collection[KeyScope] = (KeyScope.CHAT,),
    expires_at: datetime | None = None,
    key: str = "",
) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which is stored nowhere. It has one scope at least.

    `key` sets the text itself, for a demo key that stands in a manual; else it is random.
    """
    text = key or KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    api_key = ApiKey.objects.create(
        organization=organization,
        created_by=created_by,
        name=name,
        scopes=" ".join(scope for scope in KeyScope if scope in scopes),
        key_hash=hash_key(text),
        prefix=text[: len(KEY_PREFIX) + 4] if not key else text[:3],
        last_four=text[-4:] if not key else "",
        expires_at=expires_at,
    )
    return api_key, text


def revoke_api_key(*, organization: Organization, api_key_id: int, now: datetime) -> bool:
    """Revoke a key of this organization. Returns False where there is none, or it was revoked before."""
    return bool(
        ApiKey.objects.filter(id=api_key_id, organization=organization, revoked_at__isnull=True).update(revoked_at=now)
    )


async def find_caller(*, key: str, scope: KeyScope = KeyScope.CHAT) -> Caller:
    """Tell who calls with `key`, which must have `scope`. Raises UnknownApiKey, ScopeMissing.

    An answer is remembered for LOOKUP_TTL_S in this process; a refusal is not, so a new key works at once.
    """
    key_hash = hash_key(key)
    caller = _remembered(key_hash) or _remember(key_hash, await in_database(_look_up, key_hash))
    return _in_scope(caller, scope)


def find_caller_now(*, key: str, scope: KeyScope) -> Caller:
    """Do what `find_caller` does, for code that runs in a thread: the same memory, the same errors."""
    key_hash = hash_key(key)
    return _in_scope(_remembered(key_hash) or _remember(key_hash, _look_up(key_hash)), scope)


_callers: dict[str, tuple[Caller, float]] = {}


def _remembered(key_hash: str) -> Caller | None:
    entry = _callers.get(key_hash)
    return entry[0] if entry and entry[1] > time.monotonic() else None


def _remember(key_hash: str, caller: Caller | None) -> Caller:
    """Remember who was found. Raises UnknownApiKey where nobody was."""
    if caller is None:
        _callers.pop(key_hash, None)
        raise UnknownApiKey
    if len(_callers) >= MAX_REMEMBERED:
        _callers.clear()
    _callers[key_hash] = (caller, time.monotonic() + LOOKUP_TTL_S)
    return caller


def _in_scope(caller: Caller, scope: KeyScope) -> Caller:
    if scope not in caller.scopes:
        raise ScopeMissing(
            f"This key has no {scope.value!r} scope. Use one that has, or have an owner or admin create one."
        )
    return caller


def _look_up(key_hash: str) -> Caller | None:
    now = timezone.now()
    fields = ("id", "organization_id", "scopes", "last_used_at")
    api_key = ApiKey.objects.usable().filter(key_hash=key_hash).only(*fields).first()
    if api_key is None:
        return None
    if api_key.last_used_at is None or (now - api_key.last_used_at).total_seconds() > LAST_USED_RESOLUTION_S:
        ApiKey.objects.filter(id=api_key.id).update(last_used_at=now)
    return Caller(api_key_id=api_key.id, organization_id=api_key.organization_id, scopes=api_key.scope_set)
