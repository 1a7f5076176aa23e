"""Members of an organization: changing roles and removing members. Neither admins nor keys can touch owners."""

from django.db import transaction
from django.db.models import QuerySet

from accounts.access_log import note_on_commit
from accounts.audit import AuditEvent, note_change
from accounts.models import Membership

ROLES_TO_GIVE = [Membership.Role.ADMIN.value, Membership.Role.MEMBER.value]


class MemberNotFound(Exception):
    """The organization has no such member."""


class OwnerProtected(Exception):
    """Owners cannot be made or removed here, or a stolen key could take the organization over."""


@transaction.atomic
def change_role(*, organization_id: int, member_id: int, role: Membership.Role) -> Membership:
    """Give a member another role. Raises MemberNotFound, OwnerProtected."""
    if role == Membership.Role.OWNER:
        raise OwnerProtected("Nobody is made an owner by a key. Choose admin or member.")
    _ensure_changed(
        _changeable_members(organization_id, member_id).update(role=role),
        organization_id=organization_id,
        member_id=member_id,
    )
    note_on_commit("role changed", organization_id=organization_id, member_id=member_id, role=str(role))
    member = Membership.objects.select_related("user").get(id=member_id, organization_id=organization_id)
    note_change(AuditEvent.ROLE_CHANGED, organization_id=organization_id, detail=f"{member.user}, {member.role}")
    return member


def remove_member(*, organization_id: int, member_id: int) -> None:
    """Remove a member. The keys they made stay with the organization.

    Raises MemberNotFound, OwnerProtected.
    """
    removed, _ = _changeable_members(organization_id, member_id).delete()
    _ensure_changed(removed, organization_id=organization_id, member_id=member_id)


def _changeable_members(organization_id: int, member_id: int) -> QuerySet[Membership]:
    rows = Membership.objects.filter(id=member_id, organization_id=organization_id)
    return rows.exclude(role=Membership.Role.OWNER)


def _ensure_changed(rows: int, *, organization_id: int, member_id: int) -> None:
    if rows:
        return
    if Membership.objects.filter(id=member_id, organization_id=organization_id).exists():
        raise OwnerProtected("This member is an owner. Owners are not changed by a key.")
    raise MemberNotFound(f"Your organization has no member {member_id}.")
