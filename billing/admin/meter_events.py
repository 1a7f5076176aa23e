"""Meter events: pending, sent, and refused by Stripe."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.large_tables import LargeTableAdmin
from billing.metering import resending
from billing.models import MeterEvent
from billing.spend import measured

MAX_LOGGED = 100

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
        "amount",
        "occurred_at",
        "state_label",
        "attempts",
        "sent_at",
        "last_error",
    ]
    list_filter = ["state", "occurred_at"]
    actions = ["send_again", "mark_as_sent"]
    list_select_related = ["organization"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["identifier", "organization", "event_name", "amount", "state"]}),
        ("Sending", {"fields": ["attempts", "first_sent_at", "next_attempt_at", "sent_at", "last_error"]}),
        ("Times, in UTC", {"fields": ["occurred_at", "hour", "period_starts_at"]}),
    ]

    @display(description="Usage")
    def amount(self, event: MeterEvent) -> str:
        """Show the value: tokens, or dollars of spend."""
        return measured(event.event_name, event.value)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, event: MeterEvent) -> str:
        """Show the state."""
        return event.state

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Sending an event that was stopped is the one change there is."""
        return request.user.has_perm("billing.change_meterevent")

    @admin.action(description="Send again, or ask the meter where it was parked", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[MeterEvent]) -> None:
        """Have the worker try the chosen ones again, of those that were rejected or parked."""
        self._tell(request, queryset, done=resending.send_again(queryset), words="are sent again within seconds")

    @admin.action(description="Mark as sent: Stripe has it, or it is billed otherwise", permissions=["resend"])
    def mark_as_sent(self, request: HttpRequest, queryset: QuerySet[MeterEvent]) -> None:
        """Note that the chosen ones need no sending, of those that were rejected or parked."""
        self._tell(request, queryset, done=resending.mark_as_sent(queryset), words="are marked as sent")

    def _tell(self, request: HttpRequest, queryset: QuerySet[MeterEvent], *, done: int, words: str) -> None:
        for event in queryset.order_by("id")[:MAX_LOGGED]:
            self.log_change(request, event, f"Chosen by hand: {words}.")
        self.message_user(request, f"{done} {words}.", messages.SUCCESS if done else messages.INFO)
