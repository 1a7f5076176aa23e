"""Webhooks to the organization's own systems: endpoints, secrets, and the log of deliveries."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView
from billing.customer_webhooks.endpoints import (
    LONGEST_OVERLAP,
    MOST_ENDPOINTS,
    EndpointTerms,
    Reason,
    add_endpoint,
    change_endpoint,
    endpoints_of,
    remove_endpoint,
    rotate_secret,
    switch_off,
    switch_on,
)
from billing.customer_webhooks.log import deliveries_of, send_again, send_test
from billing.models import CustomerEndpoint, CustomerEvent, EventDelivery
from common.rest.fields import Instant, StrictSerializer, Text
from common.rest.paging import PageQuery, page_body, page_of, page_schema

EVENT_TYPES = [each.value for each in CustomerEvent.Type if each != CustomerEvent.Type.TEST]
URL_HELP = "https, at a public address. In the sandbox mode http://127.0.0.1 works too."
EVENTS_HELP = "The types of events it gets; empty for all, also those that come later."
SHOWN_ONCE = "The secret that signs. It is shown this once: keep it."


class Webhook(serializers.Serializer[Any]):
    """An endpoint, without its secret."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    events = serializers.ListField(
        source="event_types", child=serializers.ChoiceField(choices=EVENT_TYPES), help_text=EVENTS_HELP
    )
    enabled = serializers.SerializerMethodField(help_text="Whether events are sent to it.")
    disabled_reason = serializers.CharField(help_text="`by_hand`, `failures` or `gone`; empty while it is on.")
    failing_since = Instant(allow_null=True, help_text="The first failure since the last event that arrived.")
    created_at = Instant()

    def get_enabled(self, endpoint: CustomerEndpoint) -> bool:
        """Tell whether events are sent to it."""
        return endpoint.disabled_at is None


class NewWebhook(Webhook):
    """A new endpoint, with its secret, which is shown this once."""

    secret = serializers.CharField(help_text=SHOWN_ONCE)


class WebhookCreation(StrictSerializer):
    """The terms of a new endpoint."""

    url = Text(max_length=500, help_text=URL_HELP)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENT_TYPES),
        max_length=len(EVENT_TYPES),
        default=[],
        help_text=EVENTS_HELP,
    )


class WebhookChange(StrictSerializer):
    """The changes to an endpoint. A field that is not sent stays."""

    url = Text(max_length=500, required=False, help_text=URL_HELP)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENT_TYPES),
        max_length=len(EVENT_TYPES),
        required=False,
        help_text=EVENTS_HELP,
    )
    enabled = serializers.BooleanField(required=False, help_text="Switch it on or off. Waiting events are dropped.")


class SecretRotation(StrictSerializer):
    """The end of the old secret."""

    overlap_s = serializers.IntegerField(
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        default=86_400,
        help_text="How long the old secret signs beside the new one, in seconds: at most a week.",
    )


class Secret(serializers.Serializer[Any]):
    """A new secret."""

    secret = serializers.CharField(help_text=SHOWN_ONCE)


class Delivery(serializers.Serializer[Any]):
    """An event on its way to an endpoint, and the last answer to it."""

    id = serializers.IntegerField()
    webhook_id = serializers.CharField(source="event.public_id", help_text="The `webhook-id`: one for all attempts.")
    type = serializers.CharField(source="event.type")
    state = serializers.ChoiceField(choices=EventDelivery.State.choices)
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.SerializerMethodField(help_text="Null once it has ended.")
    attempted_at = Instant(allow_null=True, help_text="The last attempt.")
    status_code = serializers.IntegerField(allow_null=True, help_text="Of the last answer; null without one.")
    answer = serializers.CharField(help_text="The first 1 KB of the last answer.")
    error = serializers.CharField(help_text="Why the last attempt failed; empty where it did not.")
    created_at = Instant(source="event.created_at")

    def get_next_attempt_at(self, delivery: EventDelivery) -> str | None:
        """Return the next attempt of a delivery that waits."""
        waits = delivery.state == EventDelivery.State.WAITING
        return str(Instant().to_representation(delivery.next_attempt_at)) if waits else None


class WebhookEndpointView(BillingView):
    """The base of the addresses of endpoints."""

    def endpoint_of(self, endpoint_id: int) -> CustomerEndpoint:
        """Return one endpoint of the organization. Raises NotFound, also for a stranger's."""
        endpoint = endpoints_of(organization_id=self.organization_id).filter(id=endpoint_id).first()
        if endpoint is None:
            raise NotFound(f"Your organization has no webhook {endpoint_id}.")
        return endpoint


class WebhooksView(WebhookEndpointView):
    """The organization's endpoints."""

    @extend_schema(operation_id="list_webhooks", summary="List webhooks", responses=Webhook(many=True))
    def get(self, request: Request) -> Response:
        """Return the endpoints, the oldest first."""
        return Response(Webhook(endpoints_of(organization_id=self.organization_id), many=True).data)

    @extend_schema(
        operation_id="create_webhook",
        summary="Add a webhook",
        request=WebhookCreation,
        responses={201: NewWebhook, 409: None},
        description=f"Add an endpoint and return it with its secret, this once. There may be {MOST_ENDPOINTS}.",
    )
    def post(self, request: Request) -> Response:
        """Add an endpoint."""
        terms = self.body(WebhookCreation)
        endpoint, secret = add_endpoint(organization=self.organization, url=terms["url"], event_types=terms["events"])
        return Response({**Webhook(endpoint).data, "secret": secret}, status=201)


class WebhookView(WebhookEndpointView):
    """One endpoint."""

    @extend_schema(operation_id="get_webhook", summary="Look at a webhook", responses=Webhook)
    def get(self, request: Request, endpoint_id: int) -> Response:
        """Return one endpoint."""
        return Response(Webhook(self.endpoint_of(endpoint_id)).data)

    @extend_schema(operation_id="change_webhook", summary="Change a webhook", request=WebhookChange, responses=Webhook)
    def patch(self, request: Request, endpoint_id: int) -> Response:
        """Change the fields that are sent. Deliveries that wait go to the new address."""
        given = self.body(WebhookChange)
        endpoint = self.endpoint_of(endpoint_id)
        terms = EndpointTerms()
        if "url" in given:
            terms["url"] = given["url"]
        if "events" in given:
            terms["event_types"] = given["events"]
        change_endpoint(endpoint=endpoint, terms=terms)
        if given.get("enabled") is True:
            switch_on(endpoint=endpoint)
        elif given.get("enabled") is False:
            switch_off(endpoint=endpoint, reason=Reason.BY_HAND, now=timezone.now())
        return self.get(request, endpoint_id)

    @extend_schema(operation_id="remove_webhook", summary="Remove a webhook", responses={204: None})
    def delete(self, request: Request, endpoint_id: int) -> Response:
        """Remove an endpoint and its log."""
        remove_endpoint(endpoint=self.endpoint_of(endpoint_id))
        return Response(status=204)


class SecretRotationView(WebhookEndpointView):
    """Rotating the secret of one endpoint."""

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Rotate a webhook's secret",
        request=SecretRotation,
        responses={201: Secret},
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Return a new secret, this once. Until the overlap is over, events carry a signature of each."""
        overlap = timedelta(seconds=self.body(SecretRotation)["overlap_s"])
        secret = rotate_secret(endpoint=self.endpoint_of(endpoint_id), overlap=overlap, now=timezone.now())
        return Response({"secret": secret}, status=201)


class WebhookTestView(WebhookEndpointView):
    """Sending a test to one endpoint."""

    @extend_schema(
        operation_id="test_webhook", summary="Send a test", request=None, responses={201: Delivery, 409: None}
    )
    def post(self, request: Request, endpoint_id: int) -> Response:
        """Send a `webhook.test` event within seconds; ten a minute, with deliveries that are sent again."""
        delivery = send_test(endpoint=self.endpoint_of(endpoint_id), now=self.now, wall_now=timezone.now())
        return Response(Delivery(delivery).data, status=201)


class DeliveriesView(WebhookEndpointView):
    """The log of one endpoint."""

    @extend_schema(
        operation_id="list_webhook_deliveries",
        summary="List the deliveries of a webhook",
        parameters=[PageQuery],
        responses=page_schema("DeliveryPage", Delivery, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request, endpoint_id: int) -> Response:
        """Return the deliveries of the last 30 days, the newest first."""
        query = self.query(PageQuery)
        rows = deliveries_of(endpoint=self.endpoint_of(endpoint_id))
        page, has_more = page_of(rows, limit=query["limit"], after=query.get("after_id"))
        return Response(page_body([dict(Delivery(row).data) for row in page], has_more=has_more))


class ResendView(WebhookEndpointView):
    """Sending one delivery again."""

    @extend_schema(
        operation_id="resend_webhook_delivery",
        summary="Send a delivery again",
        request=None,
        responses={200: Delivery, 409: None},
    )
    def post(self, request: Request, endpoint_id: int, delivery_id: int) -> Response:
        """Send an event again, with the same id; ten a minute, with tests. One that waits already is left as it is."""
        rows = deliveries_of(endpoint=self.endpoint_of(endpoint_id)).select_related("event", "endpoint")
        delivery = rows.filter(id=delivery_id).first()
        if delivery is None:
            raise NotFound(f"This webhook has no delivery {delivery_id}.")
        send_again(delivery=delivery, wall_now=timezone.now())
        return Response(Delivery(rows.get(id=delivery_id)).data)
