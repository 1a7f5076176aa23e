"""API keys: made and shown once, looked up by hash, revoked everywhere within seconds."""

import secrets
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal

from accounts.access_log import note_on_commit
from accounts.audit import AuditEvent, note_change
from accounts.key_memory import Caller, KeyMemory, look_up, note_use
from accounts.models import ApiKey, KeyScope, Organization, Project, User
from accounts.secret_hash import secret_hash
from common import clock, log_fields

KEY_PREFIX = "rgent_"
KEY_BYTES = 32
# Sent in the transaction that revokes a key, with `api_key` and `now` in billing time.
key_revoked = Signal()


class UnknownApiKey(Exception):
    """The key is missing, wrong, expired or revoked."""


class ScopeMissing(Exception):
    """The key lacks the scope for this call. The message names it."""


class ModelNotForKey(Exception):
    """The key may not use this model. The message names those it may use."""


@transaction.atomic
def create_api_key(
    *,
    organization: Organization,
    name: str,
    created_by: User | None = None,
    scopes: Collection[KeyScope] = (KeyScope.CHAT,),
    models: Collection[str] = (),
    expires_at: datetime | None = None,
    project: Project | None = None,
    key: str = "",
) -> tuple[ApiKey, str]:
    """Create a key with at least one scope, and return it with its text, which is not stored.

    Without `models` it may use all of the plan's. `expires_at` is billing time. `key` sets the text of a
    demo key that the manual names; else it is random.
    """
    text = key or KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    api_key = ApiKey.objects.create(
        organization=organization,
        created_by=created_by,
        name=name,
        scopes=" ".join(scope for scope in KeyScope if scope in scopes),
        allowed_models=sorted(set(models)),
        key_hash=secret_hash(text),
        created_at=clock.now(),
        prefix=text[: len(KEY_PREFIX) + 4] if not key else text[:3],
        last_four=text[-4:] if not key else "",
        expires_at=expires_at,
        project=project,
    )
    return api_key, text


@transaction.atomic
def revoke_api_key(*, organization: Organization, api_key_id: int, now: datetime) -> bool:
    """Revoke a key of this organization. Returns False if there is no such key, or it is revoked already."""
    unrevoked = ApiKey.objects.filter(id=api_key_id, organization=organization, revoked_at__isnull=True)
    revoked = bool(unrevoked.update(revoked_at=now))
    if revoked:
        note_on_commit("API key revoked", organization_id=organization.id, api_key_id=api_key_id)
        revoked_key = ApiKey.objects.get(id=api_key_id)
        note_change(AuditEvent.KEY_REVOKED, organization_id=organization.id, detail=str(revoked_key))
        key_revoked.send(sender=ApiKey, api_key=revoked_key, now=now)
    return revoked


async def find_caller(*, key: str, scope: KeyScope = KeyScope.CHAT) -> Caller:
    """Return the caller whose key this is. The key must have `scope`. Raises UnknownApiKey, ScopeMissing.

    A process remembers a key for a few seconds at most. A new key works at once.
    """
    return _in_scope(await _memory.find(secret_hash(key)), scope)


def find_caller_now(*, key: str, scope: KeyScope) -> Caller:
    """Do what `find_caller` does, for code that runs in a thread: it asks the database each time."""
    caller = _in_scope(look_up(secret_hash(key)), scope)
    note_use([caller.api_key_id])
    return caller


def check_model(*, caller: Caller, model: str) -> None:
    """Pass if the caller's key may use the model, or no model is named. Raises ModelNotForKey."""
    if model and caller.models and model not in caller.models:
        raise ModelNotForKey(
            f"This key may not use {model[:100]}. It may use {', '.join(caller.models)}. "
            f"Owners and admins change that at {settings.PUBLIC_URL}/app/keys/"
        )


_memory = KeyMemory()


def _in_scope(caller: Caller | None, scope: KeyScope) -> Caller:
    if caller is None:
        raise UnknownApiKey
    log_fields.add(organization_id=caller.organization_id, key_prefix=caller.key_prefix)
    if scope not in caller.scopes:
        raise ScopeMissing(
            f"This key has no {scope.value!r} scope. Use one that has, or have an owner or admin create one."
        )
    return caller
