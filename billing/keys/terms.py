"""Keys with their terms: models, expiry, project and spending cap."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db import transaction

from accounts.access_log import note_on_commit
from accounts.api_keys import create_api_key
from accounts.audit import AuditEvent, note_change
from accounts.models import ApiKey, KeyScope, Organization, Project, User
from billing.caps.caps import set_key_cap


class KeyTerms(TypedDict, total=False):
    """The terms of a key. `expires_at` is billing time; `cap_minor` is exact cents a billing period, or None."""

    name: str
    models: Collection[str]
    expires_at: datetime | None
    cap_minor: Decimal | None
    project: Project | None


@transaction.atomic
def create_key(
    *,
    organization: Organization,
    created_by: User | None,
    scopes: Collection[KeyScope],
    terms: KeyTerms,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its text, which is not stored. `now` is billing time."""
    api_key, text = create_api_key(
        organization=organization,
        created_by=created_by,
        name=terms["name"],
        scopes=scopes,
        models=terms.get("models", ()),
        expires_at=terms.get("expires_at"),
        project=terms.get("project"),
    )
    if terms.get("cap_minor") is not None:
        _set_cap(api_key, terms["cap_minor"], now=now)
    return api_key, text


@transaction.atomic
def change_key(*, api_key: ApiKey, terms: KeyTerms, now: datetime) -> None:
    """Change the given terms. A cap holds at once, the others within five seconds. `now` is billing time."""
    fields = {"name": "name", "models": "allowed_models", "expires_at": "expires_at", "project": "project"}
    given: dict[str, object] = {column: terms[term] for term, column in fields.items() if term in terms}  # type: ignore[literal-required]
    if "allowed_models" in given:
        given["allowed_models"] = sorted(set(terms["models"]))
    if given:
        ApiKey.objects.filter(id=api_key.id).update(**given)
    if "cap_minor" in terms:
        _set_cap(api_key, terms["cap_minor"], now=now)
    changed = {"api_key_id": api_key.id, "organization_id": api_key.organization_id, "fields": sorted(terms)}
    note_on_commit("API key changed", **changed)
    note_change(AuditEvent.KEY_CHANGED, organization_id=api_key.organization_id, detail=str(api_key))


def _set_cap(api_key: ApiKey, cap_minor: Decimal | None, *, now: datetime) -> None:
    set_key_cap(organization_id=api_key.organization_id, api_key_id=api_key.id, cap_minor=cap_minor, now=now)
