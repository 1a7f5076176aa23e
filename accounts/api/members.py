"""Members of the organization and their roles."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ManagementView
from accounts.members import ROLES_TO_GIVE, change_role, remove_member
from accounts.models import Membership
from common.rest.fields import Instant, StrictSerializer
from common.rest.paging import PageQuery, page_body, page_of, page_schema


class Member(serializers.Serializer[Any]):
    """A person's place in the organization."""

    id = serializers.IntegerField(help_text="Of the membership.")
    name = serializers.CharField(source="user.name", help_text="Empty where the person gave none.")
    email = serializers.EmailField(source="user.email")
    role = serializers.ChoiceField(
        choices=Membership.Role.choices, help_text="Owners and admins manage keys and billing."
    )
    joined_at = Instant(source="created_at")


class RoleChange(StrictSerializer):
    """A member's new role."""

    role = serializers.ChoiceField(choices=ROLES_TO_GIVE, help_text="Owners are neither made nor unmade by a key.")


class MembersView(ManagementView):
    """The organization's members."""

    @extend_schema(
        operation_id="list_members",
        summary="List members",
        parameters=[PageQuery],
        responses=page_schema("MemberPage", Member, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the organization's members, newest first."""
        query = self.query(PageQuery)
        rows = Membership.objects.filter(organization_id=self.organization_id).select_related("user")
        members, has_more = page_of(rows, limit=query["limit"], after=query.get("after_id"))
        return Response(page_body([dict(Member(row).data) for row in members], has_more=has_more))


class MemberView(ManagementView):
    """One member."""

    @extend_schema(operation_id="change_role", summary="Change a member's role", request=RoleChange, responses=Member)
    def patch(self, request: Request, member_id: int) -> Response:
        """Make a member an admin, or an admin a member. Owners stay what they are."""
        role = Membership.Role(self.body(RoleChange)["role"])
        return Response(Member(change_role(organization_id=self.organization_id, member_id=member_id, role=role)).data)

    @extend_schema(operation_id="remove_member", summary="Remove a member", responses={204: None})
    def delete(self, request: Request, member_id: int) -> Response:
        """Take a member out of the organization. Keys they made go on working: revoke those they know."""
        remove_member(organization_id=self.organization_id, member_id=member_id)
        return Response(status=204)
