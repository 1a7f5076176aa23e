"""Billing accounts: an organization's plan, period and spending. The spending cap is set here."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.admin.exact_fields import DollarsField, amount_column
from billing.caps.caps import set_cap
from billing.models import BillingAccount
from billing.money import to_cents, to_dollars

SPENT = amount_column("spent_minor", description="Spent, $ this period")
HELD = amount_column("held_minor", description="Held, $")
CAP = amount_column("cap_minor", description="Spending cap, $ a period")
STATUS_COLOURS = {
    "Free trial": "info",
    "Active": "success",
    "Payment overdue": "warning",
    "Suspended: unpaid": "danger",
    "Suspended: payment disputed": "danger",
}


@display(description="Plan's status", label=STATUS_COLOURS)
def status_label(account: BillingAccount) -> str:
    """Show the status."""
    return BillingAccount.Status(account.status).label


@display(description="Billing period, UTC")
def period(account: BillingAccount) -> str:
    """Show the period that "spent" speaks of."""
    return f"{account.period_starts_at:%Y-%m-%d %H:%M} to {account.period_ends_at:%Y-%m-%d %H:%M}"


@display(description="Trial requests used")
def trial_used(account: BillingAccount) -> str:
    """Show how much of the free trial is gone."""
    of_how_many = f" of {account.plan.trial_requests}" if account.plan.is_trial else ""
    return f"{account.trial_used}{of_how_many}"


FIGURES = [status_label, period, SPENT, HELD, trial_used]
STRIPE = ["stripe_customer_id", "stripe_subscription_id", "stripe_status", "cancel_at", "checkout_session_id"]


class SpendingCapForm(forms.ModelForm):  # type: ignore[type-arg]
    """The spending cap, the only field of a billing account that an admin sets."""

    cap = DollarsField(
        required=False,
        label="Spending cap, $ a period",
        help_text="For tokens; the plan's base price is apart. Empty: no cap. A request that could pass it is refused.",
    )

    class Meta:
        model = BillingAccount
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.cap_minor is not None:
            self.initial["cap"] = to_dollars(self.instance.cap_minor)


@admin.register(BillingAccount)
class BillingAccountAdmin(ModelAdmin):
    """Billing accounts of all organizations. Everything but the cap is kept by the ledger and by Stripe's webhooks."""

    form = SpendingCapForm
    list_display = ["organization", "plan", status_label, SPENT, HELD, CAP, "stripe_customer_id"]
    list_filter = ["status", "plan"]
    list_select_related = ["organization", "plan"]
    search_fields = ["organization__name", "organization__email", "=stripe_customer_id", "=stripe_subscription_id"]
    ordering = ["-id"]
    list_fullwidth = True
    actions = None
    fieldsets = [
        (None, {"fields": ["organization", "plan", *FIGURES, "cap"]}),
        ("Prices and periods", {"fields": ["priced_at", "anchor_at"]}),
        ("Stripe", {"fields": STRIPE}),
    ]
    readonly_fields = ["organization", "plan", *FIGURES, "priced_at", "anchor_at", *STRIPE]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to add one: it comes with the organization."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete one."""
        return False

    def save_model(self, request: HttpRequest, obj: BillingAccount, form: SpendingCapForm, change: bool) -> None:
        """Write the cap alone: requests change the rest of the row at any moment."""
        dollars: Decimal | None = form.cleaned_data["cap"]
        cap_minor = None if dollars is None else to_cents(dollars)
        set_cap(organization_id=obj.organization_id, cap_minor=cap_minor)
