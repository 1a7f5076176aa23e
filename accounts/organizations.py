"""Organizations: every sign-up has one of its own."""

from typing import cast

from django.db import transaction
from django.http import HttpRequest

from accounts.looking import membership_to_look
from accounts.models import Membership, Organization, User

CHOSEN = "organization_id"
MEMBERSHIPS = "memberships_of_the_person"


class NoOrganization(Exception):
    """The person belongs to no organization."""


def name_for(*, owner: User, name: str = "") -> str:
    """Return the name of a person's organization. Without a name it is named after the owner's e-mail."""
    return name.strip() or f"{owner.name or owner.email.partition('@')[0]}'s organization"


@transaction.atomic
def create_organization(*, owner: User, name: str = "") -> Organization:
    """Create an organization with its owner, named by `name_for`."""
    organization = Organization.objects.create(name=name_for(owner=owner, name=name), email=owner.email)
    Membership.objects.create(organization=organization, user=owner, role=Membership.Role.OWNER)
    return organization


def membership_of(request: HttpRequest) -> Membership:
    """Return the signed-in person's membership, with its organization. Raises NoOrganization.

    Of several it is the one chosen in this session, or else the newest, so that a person who accepts an invitation
    finds that team. Staff who look at an organization have a membership that is in no table.
    """
    if looking := membership_to_look(request):
        return looking
    memberships = memberships_of(request)
    if not memberships:
        raise NoOrganization
    chosen = request.session.get(CHOSEN)
    return next((each for each in memberships if each.organization_id == chosen), memberships[0])


def membership_or_none(request: HttpRequest) -> Membership | None:
    """Return what `membership_of` does; None to strangers, and to people without an organization."""
    try:
        return membership_of(request) if request.user.is_authenticated else None
    except NoOrganization:
        return None


def memberships_of(request: HttpRequest) -> list[Membership]:
    """Return the signed-in person's memberships of open organizations, the newest first. A request reads them once."""
    if not hasattr(request, MEMBERSHIPS):
        user = cast(User, request.user)  # pages of the portal let in nobody who has not signed in
        rows = Membership.objects.select_related("organization", "user").filter(user=user, organization__closed_at=None)
        setattr(request, MEMBERSHIPS, list(rows.order_by("-created_at", "-id")))
    return cast(list[Membership], getattr(request, MEMBERSHIPS))


def forget_choice(request: HttpRequest) -> None:
    """Choose none of the person's organizations: the one that was chosen is closed."""
    request.session.pop(CHOSEN, None)


def choose(request: HttpRequest, *, organization_id: int) -> bool:
    """Choose one of the person's organizations for this session. Returns False if they are not a member of it."""
    is_theirs = any(each.organization_id == organization_id for each in memberships_of(request))
    if is_theirs:
        request.session[CHOSEN] = organization_id
    return is_theirs
