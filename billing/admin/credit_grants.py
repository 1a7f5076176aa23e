"""Credit grants: given by staff after a confirmation, and ended by hand where need be."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from billing.admin.confirmed import ConfirmedAdd, IdentifierField
from billing.admin.exact_fields import DollarsField
from billing.credits.grants import GRANTS, end_grant
from billing.models import CreditGrant
from billing.money import format_cents, to_cents
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from common import clock

STATE_COLOURS = {"Being granted": "info", "Granted": "success", "Ended": "info", "Refused by Stripe": "danger"}


class CreditGrantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A grant as a person writes it: dollars, a reason that the customer sees, and an end."""

    amount = DollarsField(
        label="Amount, $", help_text="It pays for tokens alone: not the base of a plan, and no invoice items."
    )
    identifier = IdentifierField(kind="grant")

    class Meta:
        model = CreditGrant
        fields = ["organization", "reason", "expires_at", "identifier"]

    def clean_amount(self) -> int:
        """Return the cents. There is no grant of nothing."""
        cents = int(to_cents(self.cleaned_data["amount"]))
        if cents <= 0:
            raise forms.ValidationError("More than nothing.")
        self.instance.amount_minor = cents
        return cents

    def clean_expires_at(self) -> Any:
        """Refuse an end that has passed, in billing time."""
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= clock.now():
            raise forms.ValidationError("In the future.")
        return expires_at


@admin.register(CreditGrant)
class CreditGrantAdmin(ConfirmedAdd):
    """Billing credits. Stripe spends them on the tokens of the next invoices, the first to expire first."""

    form = CreditGrantForm
    making = GRANTS
    list_display = ["organization", "amount", "left", "reason", "expires_at", "state_label", "created_by", "created_at"]
    list_filter = ["state"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["organization__name", "=stripe_id", "=identifier"]
    autocomplete_fields = ["organization"]
    ordering = ["-id"]
    actions = ["end"]

    def get_fields(self, request: HttpRequest, obj: CreditGrant | None = None) -> list[str]:
        """Return the form's fields, or all of a grant."""
        if obj is None:
            return ["organization", "amount", "reason", "expires_at", "identifier"]
        shown = ["organization", "amount", "left", "reason", "expires_at", "state", "created_by", "created_at"]
        return [*shown, "stripe_id", "identifier", "last_error"]

    def get_readonly_fields(self, request: HttpRequest, obj: CreditGrant | None = None) -> list[str]:
        """Return what nobody types in."""
        return self.get_fields(request, obj) if obj else []

    def sentences(self, row: CreditGrant) -> list[str]:
        """Say what is granted, and what it pays for."""
        until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "without an end"
        return [
            f"Grant {row.organization} {format_cents(row.amount_minor)} of credits, {until}.",
            "They pay for tokens alone, when an invoice is finalized: not the base of the plan.",
            f"The customer reads: {row.reason or 'Credit'}.",
        ]

    @display(description="Amount")
    def amount(self, row: CreditGrant) -> str:
        """Show the amount."""
        return format_cents(row.amount_minor)

    @display(description="Left")
    def left(self, row: CreditGrant) -> str:
        """Show what is left of it."""
        return format_cents(row.left_minor)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, row: CreditGrant) -> str:
        """Show the state."""
        return str(row.get_state_display())

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Ending a grant is the one change there is."""
        return request.user.has_perm("billing.change_creditgrant")

    @admin.action(description="End now: what is left is lost", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[CreditGrant]) -> None:
        """End the chosen grants at Stripe."""
        for grant in queryset.order_by("id"):
            try:
                ended = end_grant(grant)
            except (StripeUnavailable, StripeRejected) as error:
                self.message_user(request, f"{grant}: {error}", messages.ERROR)
                continue
            if ended:
                self.log_change(request, grant, f"Ended at {timezone.now():%Y-%m-%d %H:%M} UTC.")
            words = "is ended" if ended else "was over already"
            self.message_user(request, f"{grant} {words}.", messages.SUCCESS if ended else messages.INFO)
