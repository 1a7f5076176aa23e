"""Invitations to join the organization."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ManagementView
from accounts.invitations import invite, pending_invitations, withdraw
from accounts.members import ROLES_TO_GIVE
from accounts.models import ApiKey, Membership
from common.rest.fields import Instant, StrictSerializer
from common.rest.paging import PageQuery, page_body, page_of, page_schema


class OpenInvitation(serializers.Serializer[Any]):
    """An invitation that can still be accepted. Its link is in the mail alone."""

    id = serializers.IntegerField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=ROLES_TO_GIVE)
    created_at = Instant()
    expires_at = Instant(help_text="A week after it was made.")


class InvitationCreation(StrictSerializer):
    """The address to invite, and the role."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=ROLES_TO_GIVE, default=Membership.Role.MEMBER.value)


class InvitationsView(ManagementView):
    """The organization's open invitations."""

    @extend_schema(
        operation_id="list_invitations",
        summary="List open invitations",
        parameters=[PageQuery],
        responses=page_schema("InvitationPage", OpenInvitation, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the invitations that can still be accepted, the newest first."""
        query = self.query(PageQuery)
        rows = pending_invitations(organization_id=self.organization_id, now=timezone.now())
        invitations, has_more = page_of(rows, limit=query["limit"], after=query.get("after_id"))
        return Response(page_body([dict(OpenInvitation(row).data) for row in invitations], has_more=has_more))

    @extend_schema(
        operation_id="invite", summary="Invite a person", request=InvitationCreation, responses={201: OpenInvitation}
    )
    def post(self, request: Request) -> Response:
        """Mail a person a link to join with. An open invitation to the same address is replaced by this one."""
        wanted = self.body(InvitationCreation)
        caller = ApiKey.objects.select_related("created_by").get(id=self.caller.api_key_id)
        invitation = invite(
            organization=self.organization,
            email=wanted["email"],
            role=Membership.Role(wanted["role"]),
            invited_by=caller.created_by,
            now=timezone.now(),
        )
        return Response(OpenInvitation(invitation).data, status=201)


class InvitationView(ManagementView):
    """One invitation."""

    @extend_schema(operation_id="withdraw_invitation", summary="Withdraw an invitation", responses={204: None})
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Take an invitation back: its link leads nowhere from then on."""
        withdraw(organization_id=self.organization_id, invitation_id=invitation_id)
        return Response(status=204)
