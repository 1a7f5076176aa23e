"""Organizations: every sign-up has one of its own."""

from typing import cast

from django.db import transaction
from django.http import HttpRequest

from accounts.models import Membership, Organization, User


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

    Of several it is the newest, so a person who accepts an invitation finds that team.
    """
    user = cast(User, request.user)  # pages of the portal let in nobody who has not signed in
    memberships = Membership.objects.select_related("organization").filter(user=user)
    membership = memberships.order_by("-created_at", "-id").first()
    if membership is None:
        raise NoOrganization
    return membership
