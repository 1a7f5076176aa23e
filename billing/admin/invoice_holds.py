"""Invoices held as drafts until Stripe has the usage they bill, and releasing one all the same."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.base import ReadOnlyAdmin
from billing.bills import invoice_holds
from billing.models import InvoiceHold
from billing.stripe_billing.client import StripeRejected, StripeUnavailable


class HeldFilter(admin.SimpleListFilter):
    """Shows held ones by default."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choice beside the default, which is what is held."""
        return [("all", "Held and released")]

    def choices(self, changelist: Any) -> Any:
        """Name the default."""
        default, *others = super().choices(changelist)
        return [{**default, "display": "Held"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[InvoiceHold]) -> QuerySet[InvoiceHold]:
        """Keep held ones, or all."""
        return queryset if self.value() == "all" else queryset.filter(released_at__isnull=True)


@admin.register(InvoiceHold)
class InvoiceHoldAdmin(ReadOnlyAdmin):
    """Held drafts are finalized by themselves once their usage has arrived."""

    list_display = [
        "stripe_invoice_id",
        "organization",
        "period_starts_at",
        "period_ends_at",
        "waits_for",
        "released_at",
    ]
    list_filter = [HeldFilter]
    list_select_related = ["organization"]
    search_fields = ["stripe_invoice_id", "organization__name"]
    fields = readonly_fields = [*list_display, "placed_at"]
    actions = ["release"]

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Releasing is the one change there is."""
        return request.user.has_perm("billing.change_invoicehold")

    @admin.action(description="Finalize now, without the usage that is missing", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[InvoiceHold]) -> None:
        """Finalize the chosen drafts. Usage that arrives later is billed by reconciliation's repair."""
        for hold in queryset.filter(released_at__isnull=True).order_by("id"):
            try:
                invoice_holds.release(hold)
            except (StripeUnavailable, StripeRejected) as error:
                self.message_user(request, f"{hold}: {error}", messages.ERROR)
            else:
                self.log_change(request, hold, "Finalized.")
                self.message_user(request, f"{hold} is finalized.", messages.SUCCESS)
