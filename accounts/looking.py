"""Looking at an organization's pages as its admins see them: for staff, by right, for half an hour, and without power.

Nobody signs in as somebody else. A member of the staff reads the portal of an organization under their own name. Every
form of it is refused, and so are the ways back from Stripe's pages, which charge cards without a form
(`accounts.pages.access`): neither money nor access can be changed. The organization's log tells that support looked;
the operator's log tells who, and why.
"""

import time
from datetime import timedelta

from django.http import HttpRequest

from accounts.access_log import note
from accounts.audit import AuditEvent, note_change
from accounts.models import Membership, Organization, User

RIGHT = "accounts.look_into_organization"
LOOKS_FOR = timedelta(minutes=30)
_LOOKING = "looks_at"


def begin_looking(request: HttpRequest, *, organization: Organization, reason: str) -> None:
    """Let this session look at an organization's pages, and write down that it does."""
    until_s = time.time() + LOOKS_FOR.total_seconds()
    request.session[_LOOKING] = {"organization_id": organization.pk, "until_s": until_s}
    note_change(AuditEvent.LOOKED_AT, organization_id=organization.pk)
    note("staff look at an organization", organization_id=organization.pk, reason=reason)


def stop_looking(request: HttpRequest) -> int | None:
    """End it. Returns the organization that was looked at; None where there was none."""
    looked = request.session.pop(_LOOKING, None)
    return looked["organization_id"] if looked else None


def membership_to_look(request: HttpRequest) -> Membership | None:
    """Return a membership that is in no table, while this session looks at an organization; else None."""
    looked = request.session.get(_LOOKING)
    if not looked or time.time() >= looked["until_s"] or not may_look(request):
        return None
    organization = Organization.objects.filter(pk=looked["organization_id"], closed_at=None).first()
    if organization is None or not isinstance(request.user, User):
        return None
    return Membership(organization=organization, user=request.user, role=Membership.Role.ADMIN)


def is_looking(membership: Membership) -> bool:
    """Tell whether a membership is that of somebody who only looks."""
    return membership.pk is None


def may_look(request: HttpRequest) -> bool:
    """Tell whether the person of this session may look at organizations."""
    user = request.user
    return bool(user.is_active and getattr(user, "is_staff", False) and user.has_perm(RIGHT))
