"""Late usage, which an invoice item bills in place of a meter."""

from django.contrib import admin
from unfold.decorators import display

from billing.admin.large_tables import LargeTableAdmin
from billing.models import LateUsage
from billing.money import format_exact

STATE_COLOURS = {
    "pending": "info",
    "sending": "info",
    "item_made": "success",
    "invoiced": "success",
    "rejected": "danger",
}


@admin.register(LateUsage)
class LateUsageAdmin(LargeTableAdmin):
    """Usage that ended after its plan was changed, or missed its invoice. Billed by the worker, once."""

    exact_field = "identifier"
    search_help_text = "The whole identifier, or part of an organization's name"
    list_display = [
        "identifier",
        "organization",
        "model",
        "token_class",
        "quantity",
        "amount",
        "reason",
        "state_label",
        "last_error",
    ]
    list_filter = ["state", "reason"]
    list_select_related = ["organization", "plan"]
    list_fullwidth = True
    fieldsets = [
        (None, {"fields": ["identifier", "organization", "plan", "model", "token_class", "quantity", "unit_minor"]}),
        ("Why", {"fields": ["reason", "first_at", "last_at", "period_starts_at", "bill_starts_at"]}),
        ("At Stripe", {"fields": ["state", "stripe_invoice_item_id", "stripe_invoice_id", "attempts", "last_error"]}),
    ]

    @display(description="Amount")
    def amount(self, row: LateUsage) -> str:
        """Show the exact amount."""
        return format_exact(row.amount_minor)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, row: LateUsage) -> str:
        """Show the state."""
        return row.state
