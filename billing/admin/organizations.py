"""Organizations, with their members, keys and billing account: where support begins."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.admin.base import ForReading, HistoryAdmin, ReadOnlyInline
from accounts.models import Invitation, Membership, Organization
from billing.admin.accounts import BillingAccountInline, status_label
from billing.admin.api_keys import ApiKeyInline
from billing.models import BillingAccount

LISTS = {
    "Usage records": "billing_usagerecord",
    "Daily usage": "billing_dailyusage",
    "Meter events": "billing_meterevent",
    "Discrepancies": "billing_discrepancy",
}


class MembersInline(ReadOnlyInline):
    """The organization's members."""

    model = Membership
    fields = readonly_fields = ["user", "role", "created_at"]
    verbose_name_plural = "members"


class InvitationsInline(ReadOnlyInline):
    """The organization's invitations."""

    model = Invitation
    fields = readonly_fields = ["email", "role", "invited_by", "created_at", "expires_at", "accepted_at"]


def _account(organization: Organization) -> BillingAccount | None:
    return getattr(organization, "billing_account", None)


@admin.register(Organization)
class OrganizationAdmin(ForReading, HistoryAdmin, ModelAdmin):
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
    search_help_text = "Name, e-mail of the organization or a member, a key's last four, or the Stripe customer id"
    ordering = ["-created_at", "-id"]
    fields = readonly_fields = ["name", "email", "created_at", "lists"]
    inlines = [BillingAccountInline, MembersInline, ApiKeyInline, InvitationsInline]

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
