"""Meter events: pending, sent, and refused by Stripe."""

from django.contrib import admin
from unfold.decorators import display

from billing.admin.large_tables import LargeTableAdmin
from billing.models import MeterEvent

STATE_COLOURS = {"pending": "info", "sending": "info", "sent": "success", "rejected": "danger", "parked": "warning"}


@admin.register(MeterEvent)
class MeterEventAdmin(LargeTableAdmin):
    """The outbox. Sent by the worker, again and again under one identifier, until Stripe has it."""

    exact_field = "identifier"
    search_help_text = "The whole identifier, or part of an organization's name"
    list_display = [
        "identifier",
        "organization",
        "event_name",
        "tokens",
        "occurred_at",
        "state_label",
        "attempts",
        "sent_at",
        "last_error",
    ]
    list_filter = ["state", "occurred_at"]
    list_select_related = ["organization"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["identifier", "organization", "event_name", "tokens", "state"]}),
        ("Sending", {"fields": ["attempts", "first_sent_at", "next_attempt_at", "sent_at", "last_error"]}),
        ("Times, in UTC", {"fields": ["occurred_at", "hour", "period_starts_at"]}),
    ]

    @display(description="Tokens")
    def tokens(self, event: MeterEvent) -> str:
        """Show the value."""
        return f"{event.value:,}"

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, event: MeterEvent) -> str:
        """Show the state."""
        return event.state
