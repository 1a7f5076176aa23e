"""Members of an organization: their roles, and their leaving. Owners are out of an admin's reach, and so of a key's."""

from django.db.models import QuerySet

from accounts.models import Membership

ROLES_TO_GIVE = [Membership.Role.ADMIN.value, Membership.Role.MEMBER.value]


class MemberNotFound(Exception):
    """The organization has no such member."""


class OwnerProtected(Exception):
    """Owners are neither made nor unmade here: whoever holds a key could take the organization over."""


def change_role(*, organization_id: int, member_id: int, role: Membership.Role) -> Membership:
    """Give a member another role. Raises MemberNotFound, OwnerProtected."""
    if role == Membership.Role.OWNER:
        raise OwnerProtected("Nobody is made an owner by a key. Choose admin or member.")
    _ensure_changed(
        _within_reach(organization_id, member_id).update(role=role),
        organization_id=organization_id,
        member_id=member_id,
    )
    return Membership.objects.select_related("user").get(id=member_id, organization_id=organization_id)


def remove_member(*, organization_id: int, member_id: int) -> None:
    """Take a member out of the organization; the keys they made stay, as the organization's.

    Raises MemberNotFound, OwnerProtected.
    """
    removed, _ = _within_reach(organization_id, member_id).delete()
    _ensure_changed(removed, organization_id=organization_id, member_id=member_id)


def _within_reach(organization_id: int, member_id: int) -> QuerySet[Membership]:
    rows = Membership.objects.filter(id=member_id, organization_id=organization_id)
    return rows.exclude(role=Membership.Role.OWNER)


def _ensure_changed(rows: int, *, organization_id: int, member_id: int) -> None:
    if rows:
        return
    if Membership.objects.filter(id=member_id, organization_id=organization_id).exists():
        raise OwnerProtected("This member is an owner. Owners are not changed by a key.")
    raise MemberNotFound(f"Your organization has no member {member_id}.")
