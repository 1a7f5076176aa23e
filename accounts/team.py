"""The team as its people change it in the portal: owners among them, whom no key can touch."""

from datetime import datetime

from django.db import transaction
from django.db.models import Case, QuerySet, Value, When

from accounts.api_keys import revoke_api_key
from accounts.members import MemberNotFound, change_role, remove_member
from accounts.models import ApiKey, Membership

Role = Membership.Role


class LastOwner(Exception):
    """An organization keeps at least one owner."""


def people_of(*, organization_id: int) -> QuerySet[Membership]:
    """Return the memberships of an organization, owners first, then by e-mail."""
    rank = Case(When(role=Role.OWNER, then=Value(0)), When(role=Role.ADMIN, then=Value(1)), default=Value(2))
    rows = Membership.objects.filter(organization_id=organization_id).select_related("user", "organization")
    return rows.order_by(rank, "user__email")


def keys_made_by(membership: Membership) -> QuerySet[ApiKey]:
    """Return the keys that open the API and that this member made."""
    return ApiKey.objects.usable().filter(organization_id=membership.organization_id, created_by_id=membership.user_id)


@transaction.atomic
def give_role(*, by: Membership, member_id: int, role: Membership.Role) -> Membership:
    """Give a member another role. Owners alone make owners, and step down themselves while another is left.

    Raises MemberNotFound, OwnerProtected, LastOwner.
    """
    if by.role == Role.OWNER and (role == Role.OWNER or by.id == member_id):
        member = _member_of(by.organization_id, member_id)
        if role != Role.OWNER:
            _ensure_another_owner(member)
        member.role = role
        member.save(update_fields=["role"])
        return member
    return change_role(organization_id=by.organization_id, member_id=member_id, role=role)


@transaction.atomic
def remove(*, by: Membership, member_id: int, with_keys: bool, now: datetime) -> Membership:
    """Remove a member, or oneself; `with_keys` revokes the keys they made as well. Returns the membership that was.

    Raises MemberNotFound, OwnerProtected, LastOwner.
    """
    member = _member_of(by.organization_id, member_id)
    if with_keys:
        for key in keys_made_by(member):
            revoke_api_key(organization=member.organization, api_key_id=key.id, now=now)
    if by.id == member_id:
        _ensure_another_owner(member)
        member.delete()
    else:
        remove_member(organization_id=by.organization_id, member_id=member_id)
    return member


def _member_of(organization_id: int, member_id: int) -> Membership:
    member = people_of(organization_id=organization_id).filter(id=member_id).first()
    if member is None:
        raise MemberNotFound("Your organization has no such member any more.")
    return member


def _ensure_another_owner(member: Membership) -> None:
    """Raise LastOwner if a member is the only owner. Until the transaction ends, no other owner can step down."""
    owners = Membership.objects.select_for_update().filter(organization_id=member.organization_id, role=Role.OWNER)
    if member.role == Role.OWNER and {owner.id for owner in owners} == {member.id}:
        raise LastOwner("You are the only owner. Make somebody else an owner first.")
