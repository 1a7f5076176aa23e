"""Rotating a key: another one with the same terms takes its place, and both work until the old one ends."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import AuditEvent, note_change
from accounts.models import ApiKey, User
from billing.caps.caps import key_budget_of, share_spending
from billing.keys.terms import KeyTerms, create_key

# From at once to a week: long enough to deploy, short enough that a leaked key ends.
LONGEST_OVERLAP = timedelta(days=7)


class KeyIsOver(Exception):
    """The key opens nothing any more, so nothing can take its place."""


class KeyIsReplaced(Exception):
    """The key was rotated before. The message names the key in its place."""


@transaction.atomic
def rotate_key(*, api_key: ApiKey, overlap: timedelta, by: User | None, now: datetime) -> tuple[ApiKey, str]:
    """Create a key with the terms of another, which ends after `overlap`, or earlier if it was to.

    Returns the new key and its text. Its cap begins with what the old one has spent. `now` is billing time.
    Raises KeyIsOver, KeyIsReplaced.
    """
    old = ApiKey.objects.select_for_update().get(id=api_key.id)
    _ensure_rotatable(old, now=now)
    budget = key_budget_of(api_key_id=old.id)
    terms = KeyTerms(name=old.name, models=old.allowed_models, expires_at=old.expires_at, project=old.project)
    if budget is not None:
        terms["cap_minor"] = budget.cap_minor
    new, text = create_key(
        organization=old.organization, created_by=by, scopes=sorted(old.scope_set), terms=terms, now=now
    )
    if budget is not None:
        share_spending(from_key_id=old.id, to_key_id=new.id)
    ends_at = min(now + overlap, old.expires_at or now + overlap)
    ApiKey.objects.filter(id=old.id).update(expires_at=ends_at, replaced_by=new)
    detail = f"{old}, which ends on {ends_at:%-d %b %Y at %H:%M} UTC"
    note_change(AuditEvent.KEY_ROTATED, organization_id=old.organization_id, detail=detail)
    return new, text


def _ensure_rotatable(key: ApiKey, *, now: datetime) -> None:
    """Raise KeyIsOver, KeyIsReplaced. A second rotation would give the new key the end that the first gave this one."""
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise KeyIsOver("This key is revoked or expired: create a new one.")
    if key.replaced_by is not None:
        raise KeyIsReplaced(
            f"{key} was rotated before: {key.replaced_by.hint} takes its place. Rotate that one, or create a new key."
        )
