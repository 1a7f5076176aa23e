"""The organization."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView
from billing.subscriptions.customer import change_contact
from common.rest.fields import Instant, StrictSerializer, Text


class OrganizationOut(serializers.Serializer[Any]):
    """The organization that is billed."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.EmailField(help_text="Where Stripe sends receipts.")
    created_at = Instant()


class OrganizationChange(StrictSerializer):
    """The changes. A field that is left out stays."""

    name = Text(max_length=150, required=False)
    email = serializers.EmailField(max_length=254, required=False)


class OrganizationView(BillingView):
    """The organization of the calling key."""

    @extend_schema(operation_id="get_organization", summary="Look at the organization", responses=OrganizationOut)
    def get(self, request: Request) -> Response:
        """Return the organization that the key belongs to."""
        return Response(OrganizationOut(self.organization).data)

    @extend_schema(
        operation_id="change_organization",
        summary="Change the organization",
        request=OrganizationChange,
        responses={200: OrganizationOut, 503: None},
    )
    def patch(self, request: Request) -> Response:
        """Change its name or its billing e-mail, at Stripe as well."""
        before = self.organization
        wanted = {"name": before.name, "email": before.email, **self.body(OrganizationChange)}
        return Response(OrganizationOut(change_contact(organization=before, **wanted)).data)
