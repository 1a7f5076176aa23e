"""Webhooks of customers: endpoints without their secrets, and what was sent to each."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import Organization
from billing.admin.large_tables import LargeTableAdmin
from billing.models import CustomerEndpoint, EventDelivery

STATE_COLOURS = {"waiting": "info", "delivered": "success", "given_up": "danger", "dropped": "warning"}


@admin.register(CustomerEndpoint)
class CustomerEndpointAdmin(ReadOnlyAdmin):
    """Endpoints of customers' own systems. Customers change them in the portal."""

    list_display = ["url", "organization", "created_at", "failing_since", "disabled_at", "disabled_reason"]
    list_filter = ["disabled_reason"]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "url"]
    ordering = ["-id"]
    fields = readonly_fields = [*list_display, "event_types", "old_secret_ends_at"]
    actions: list[str] | None = None


@admin.register(EventDelivery)
class EventDeliveryAdmin(LargeTableAdmin):
    """Events on their way to endpoints. Sent by the worker."""

    exact_field = "event__public_id"
    search_fields = ["event__public_id"]
    search_help_text = "The whole webhook-id of an event"
    list_display = ["type", "organization", "endpoint", "state_label", "attempts", "status_code", "error"]
    list_filter = ["state"]
    list_select_related = ["endpoint__organization", "event"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["type", "organization", "endpoint"]}),
        ("Sending", {"fields": ["state", "attempts", "next_attempt_at", "attempted_at", "ended_at"]}),
        ("Last answer", {"fields": ["status_code", "took_ms", "error", "answer"]}),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the deliveries of an event."""
        term = search_term.strip()
        return (queryset.filter(event__public_id=term) if term else queryset), False

    @display(description="Event")
    def type(self, delivery: EventDelivery) -> str:
        """Name the event."""
        return str(delivery.event)

    @display(description="Organization")
    def organization(self, delivery: EventDelivery) -> Organization:
        """Show the organization."""
        return delivery.endpoint.organization

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, delivery: EventDelivery) -> str:
        """Show the state."""
        return delivery.state
