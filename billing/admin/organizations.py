"""Organizations, each on one page: where support begins."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from accounts.admin.base import ForReading, HistoryAdmin
from accounts.models import Organization
from billing.admin.accounts import status_label
from billing.admin.glance.organization import glance_at
from billing.admin.looking import LookingAdmin
from billing.admin.organization_search import organizations_of
from billing.models import BillingAccount

LISTS = {
    "Usage records": "billing_usagerecord",
    "Daily usage": "billing_dailyusage",
    "Meter events": "billing_meterevent",
    "Discrepancies": "billing_discrepancy",
}


def _account(organization: Organization) -> BillingAccount | None:
    return getattr(organization, "billing_account", None)


@admin.register(Organization)
class OrganizationAdmin(ForReading, HistoryAdmin, LookingAdmin):
    """Organizations. They change their own name and e-mail in the portal."""

    list_display = ["name", "email", "plan", "subscription_status", "stripe_customer", "created_at"]
    list_filter = ["billing_account__status", "billing_account__plan", "created_at"]
    list_select_related = ["billing_account__plan"]
    search_fields = [
        "name",
        "email",
        "members__email",
        "=api_keys__last_four",
        "=billing_account__stripe_customer_id",
    ]
    search_help_text = "Name, e-mail of it or a member, a key's last four, an id of Stripe's, an invoice, a request id"
    ordering = ["-created_at", "-id"]
    fields = readonly_fields = ["name", "email", "created_at", "lists"]
    change_form_outer_before_template = "admin/billing/glance.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        """Find the organization of a thing that is named whole, or else those with such a name."""
        if (found := organizations_of(search_term.strip())) is not None:
            return queryset.filter(pk__in=found), False
        return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show an organization at one look."""
        organization = self.get_object(request, object_id)
        glance = (
            glance_at(organization, request=request) if organization and self.has_view_permission(request) else None
        )
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "glance": glance}
        )
        return response

    @display(description="Plan")
    def plan(self, organization: Organization) -> str:
        """Show the plan."""
        account = _account(organization)
        return str(account.plan) if account else ""

    @display(description="Status", label=status_label.label)
    def subscription_status(self, organization: Organization) -> str:
        """Show the status of the subscription."""
        account = _account(organization)
        return status_label(account) if account else ""

    @display(description="Stripe customer")
    def stripe_customer(self, organization: Organization) -> str:
        """Show the customer's id."""
        account = _account(organization)
        return account.stripe_customer_id if account else ""

    @display(description="See also")
    def lists(self, organization: Organization) -> SafeString:
        """Link to the lists of this organization's other rows."""
        query = f"?organization__id__exact={organization.pk}"
        links = [(reverse(f"admin:{view}_changelist") + query, title) for title, view in LISTS.items()]
        return format_html_join(" · ", '<a class="text-primary-600" href="{}">{}</a>', links)
