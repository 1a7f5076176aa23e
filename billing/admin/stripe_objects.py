"""Pages to read of Stripe's objects, as dj-stripe stores them.

dj-stripe registers all of its tables with pages and actions of its own, which ask for no permission beyond being staff
(any could cancel a subscription) and fail on shapes of this API version. They are taken out here. Operators get pages
of the objects that customers ask about, read from Stripe's own data.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from djstripe import models as djstripe
from djstripe.admin import admin as djstripe_admin
from unfold.decorators import action, display

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.guards import is_superuser
from billing.admin.large_tables import UncountedChangeList, UncountedPaginator
from billing.bills.accounting import accounting_file, month_before, month_of
from billing.money import format_cents
from common import clock
from common.streamed_file import streamed_csv

STATUS_COLOURS = {
    "active": "success",
    "paid": "success",
    "open": "warning",
    "past_due": "warning",
    "unpaid": "danger",
    "uncollectible": "danger",
    "canceled": "info",
    "draft": "info",
}


def unregister_djstripe_admin(site: admin.AdminSite) -> None:
    """Unregister every table that dj-stripe registered, and with it the addresses of its actions."""
    own = [model for model, pages in site._registry.items() if type(pages).__module__ == djstripe_admin.__name__]
    site.unregister(own)


unregister_djstripe_admin(admin.site)


class StripeObjectAdmin(ReadOnlyAdmin):
    """Pages of one kind of object. A search is for a whole id, of the object or of its customer."""

    search_fields = ["id"]
    search_help_text = "The whole id at Stripe"
    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-djstripe_id"]
    actions = None
    fields = ["id", "livemode", "created", "stripe_json"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        """Name the list that shows no figure of results."""
        return UncountedChangeList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find by a whole id, which an index answers."""
        term = search_term.strip()
        return (queryset.filter(id=term) if term else queryset), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return all fields."""
        return list(self.fields)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show an object under its id: dj-stripe's own texts of prices and invoices take cents for dollars."""
        found = self.get_object(request, object_id) if object_id else None
        context = {**(extra_context or {}), "subtitle": found.id if found else None}
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return response

    @display(description="As Stripe tells it")
    def stripe_json(self, row: Model) -> SafeString:
        """Show Stripe's data, indented."""
        told = json.dumps(row.stripe_data, indent=2, sort_keys=True, ensure_ascii=False)  # type: ignore[attr-defined]
        return format_html("<pre>{}</pre>", told)

    @display(description="Customer")
    def customer_id(self, row: Any) -> str:
        """Show the id of the customer that it belongs to."""
        return str(row.stripe_data.get("customer") or "")

    @display(description="Status", label=STATUS_COLOURS)
    def status(self, row: Any) -> str:
        """Show Stripe's status."""
        return str(row.stripe_data.get("status") or "")


@admin.register(djstripe.Customer)
class CustomerAdmin(StripeObjectAdmin):
    """Stripe's customers, each an organization's."""

    list_display = ["id", "name", "email", "subscriber", "created"]
    list_select_related = ["subscriber"]
    fields = ["id", "subscriber", "livemode", "created", "stripe_json"]

    @display(description="Name")
    def name(self, row: Any) -> str:
        """Show the name on invoices."""
        return str(row.stripe_data.get("name") or "")


@admin.register(djstripe.Subscription)
class SubscriptionAdmin(StripeObjectAdmin):
    """Subscriptions, with the end of the period that runs."""

    list_display = ["id", "customer_id", "status", "ends_at", "created"]

    @display(description="Period ends, UTC")
    def ends_at(self, row: Any) -> str:
        """Show the end of the period, which stands on the items since API version 2025-03-31."""
        ends = [item["current_period_end"] for item in row.stripe_data.get("items", {}).get("data", [])]
        return f"{datetime.fromtimestamp(max(ends), tz=UTC):%Y-%m-%d %H:%M}" if ends else ""


@admin.register(djstripe.Invoice)
class InvoiceAdmin(StripeObjectAdmin):
    """Invoices, with what was and is to be paid."""

    list_display = ["id", "number", "customer_id", "status", "total", "due", "created"]
    actions_list = ["accounting"]

    def has_accounting_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow superusers alone: the file has every customer's name and turnover."""
        return is_superuser(request)

    @action(description="Last month for accounting (CSV)", url_path="accounting", permissions=["accounting"])
    def accounting(self, request: HttpRequest) -> HttpResponseBase:
        """Return the invoices of the last month, or of `?month=2026-11`, a row for each and for each line."""
        try:
            month = month_of(request.GET["month"]) if "month" in request.GET else month_before(clock.now())
        except ValueError as error:
            raise BadRequest("Give a month such as 2026-11.") from error
        name = f"invoices-{month.starts_at:%Y-%m}.csv"
        return streamed_csv(accounting_file(month=month), request=request, name=name)

    fields = ["id", "livemode", "created", "credit_note", "stripe_json"]

    @display(description="Give back")
    def credit_note(self, row: Any) -> SafeString:
        """Link to a credit note of this invoice."""
        address = reverse("admin:billing_creditnote_add")
        return format_html(
            '<a class="text-primary-600" href="{}?stripe_invoice_id={}">Credit note</a>', address, row.id
        )

    @display(description="Number")
    def number(self, row: Any) -> str:
        """Show the number, which a draft has not got yet."""
        return str(row.stripe_data.get("number") or "")

    @display(description="Total")
    def total(self, row: Any) -> str:
        """Show the total."""
        return format_cents(row.stripe_data.get("total") or 0)

    @display(description="To be paid")
    def due(self, row: Any) -> str:
        """Show the amount that is still to be paid."""
        return format_cents(row.stripe_data.get("amount_remaining") or 0)


@admin.register(djstripe.Event)
class EventAdmin(StripeObjectAdmin):
    """Events that were taken in."""

    list_display = ["id", "type", "created"]
    list_filter = ["type"]
    fields = ["id", "type", "livemode", "created", "event_data"]

    @display(description="As Stripe told it")
    def event_data(self, row: Any) -> SafeString:
        """Show the data of the event."""
        return format_html("<pre>{}</pre>", json.dumps(row.data, indent=2, sort_keys=True, ensure_ascii=False))


@admin.register(djstripe.WebhookEventTrigger)
class DeliveryAdmin(ReadOnlyAdmin):
    """Deliveries of events, with the error of a failed one."""

    list_display = ["id", "created", "event", "processed", "exception"]
    list_filter = ["processed"]
    list_select_related = ["event"]
    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-id"]
    actions = None
    fields = ["created", "event", "valid", "processed", "exception", "traceback", "body"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedChangeList]:
        """Name the list that shows no figure of results."""
        return UncountedChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return all fields."""
        return list(self.fields)
