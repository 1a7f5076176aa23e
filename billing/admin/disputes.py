"""Disputed payments, and giving access back all the same."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.guards import ConfirmedChanges
from billing.models import Dispute
from billing.money import format_cents
from billing.subscriptions.disputes import forgive

STATUS_COLOURS = {"needs_response": "danger", "under_review": "warning", "lost": "danger", "won": "success"}


@admin.register(Dispute)
class DisputeAdmin(ConfirmedChanges, ReadOnlyAdmin):
    """Disputes as Stripe tells them. Evidence is given in Stripe's dashboard."""

    list_display = ["organization", "amount", "reason", "status_label", "due_by", "opened_at", "forgiven_at"]
    list_filter = ["status"]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "=stripe_id", "=stripe_charge_id"]
    ordering = ["-id"]
    fields = readonly_fields = [*list_display, "stripe_id", "stripe_charge_id", "told_at"]
    actions = ["give_access_back"]

    @display(description="Amount")
    def amount(self, dispute: Dispute) -> str:
        """Show the amount."""
        return format_cents(dispute.amount_minor)

    @display(description="Status", label=STATUS_COLOURS)
    def status_label(self, dispute: Dispute) -> str:
        """Show Stripe's status."""
        return dispute.status

    def has_forgive_permission(self, request: HttpRequest) -> bool:
        """Giving access back is the one change there is."""
        return request.user.has_perm("billing.change_dispute")

    @admin.action(description="Give access back, whatever becomes of it", permissions=["forgive"])
    def give_access_back(self, request: HttpRequest, queryset: QuerySet[Dispute]) -> None:
        """Let the chosen disputes take no access away."""
        for dispute in queryset.select_related("organization").order_by("id"):
            if forgive(dispute):
                self.log_change(request, dispute, "Access given back.")
            self.message_user(request, f"{dispute.organization} has access again.", messages.SUCCESS)
