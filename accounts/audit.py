"""An organization's log of who did what, which its owners and admins read, and which nobody changes.

An entry is written in the transaction of the act, so that neither is there without the other. The access log, which
operators read, is another thing: it has sign-ins too, and belongs to no organization.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.core import context
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.access_log import address_of
from accounts.audit_entry import AuditEntry, AuditEvent
from accounts.models import ApiKey, Membership, User
from common import clock

DETAIL_LENGTH = 300
# Tasks, commands and Stripe's webhooks act for nobody; people of the staff act for the operator.
ITSELF, STAFF = "rgent", "rgent support"

__all__ = ["AuditEntry", "AuditEvent", "entries_of", "note_change", "note_change_of_person"]


@dataclass(frozen=True, slots=True)
class _Actor:
    name: str
    user_id: int | None = None
    ip: str | None = None


def note_change(event: AuditEvent, *, organization_id: int, detail: str = "") -> None:
    """Write down that the person or key whose request is being answered has done something.

    `detail` tells what it was done to; what is too long of it is cut off.
    """
    _write(event, organization_ids=[organization_id], detail=detail)


def note_change_of_person(event: AuditEvent, *, user: User, detail: str = "") -> None:
    """Write down a change of a person's own account, in every organization that they belong to."""
    ids = Membership.objects.filter(user=user).order_by("organization_id").values_list("organization_id", flat=True)
    _write(event, organization_ids=ids, detail=detail)


def entries_of(*, organization_id: int) -> QuerySet[AuditEntry]:
    """Return an organization's entries, newest first."""
    return AuditEntry.objects.filter(organization_id=organization_id).order_by("-id")


def _write(event: AuditEvent, *, organization_ids: Iterable[int], detail: str) -> None:
    at = clock.now()
    for organization_id in organization_ids:
        actor = _actor(organization_id)
        AuditEntry.objects.create(
            organization_id=organization_id,
            at=at,
            event=event,
            detail=detail[:DETAIL_LENGTH],
            actor_id=actor.user_id,
            actor_name=actor.name,
            ip=actor.ip,
        )


def _actor(organization_id: int) -> _Actor:
    request: HttpRequest | None = context.request
    if request is None:
        return _Actor(ITSELF)
    user, caller = getattr(request, "user", None), getattr(request, "auth", None)
    if caller is not None:
        key = ApiKey.objects.filter(id=caller.api_key_id).first()
        return _Actor(f"the key {key}" if key else ITSELF, ip=address_of(request))
    if not isinstance(user, User):
        return _Actor(ITSELF)
    if user.is_staff and not Membership.objects.filter(user=user, organization_id=organization_id).exists():
        return _Actor(STAFF)
    return _Actor(user.email, user_id=user.pk, ip=address_of(request))
