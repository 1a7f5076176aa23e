"""Promotion codes: made by staff after a confirmation, and switched off and on."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.confirmed import ConfirmedAdd, IdentifierField
from billing.admin.exact_fields import DollarsField
from billing.credits.promotions import PROMOTIONS, set_redeemable
from billing.models import Promotion
from billing.money import to_cents
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

STATE_COLOURS = {"Being made": "info", "Active": "success", "Not redeemable": "info", "Refused by Stripe": "danger"}
FIELDS = [
    "code",
    "percent_off",
    "amount_off",
    "duration",
    "months",
    "max_redemptions",
    "expires_at",
    "first_time_only",
]


class PromotionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A promotion code as a person writes it."""

    amount_off = DollarsField(required=False, label="$ off", help_text="Either this, or a percentage.")
    identifier = IdentifierField(kind="promotion")

    class Meta:
        model = Promotion
        fields = [*(name for name in FIELDS if name != "amount_off"), "identifier"]

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two sizes, and for months where it lasts for some."""
        data: dict[str, Any] = super().clean() or {}
        if (data.get("percent_off") is None) == (not data.get("amount_off")):
            raise forms.ValidationError("Either a percentage or an amount off.")
        if (data.get("duration") == Promotion.Duration.REPEATING) != bool(data.get("months")):
            raise forms.ValidationError({"months": "For a discount of some months, and only for that."})
        self.instance.amount_off_minor = int(to_cents(data["amount_off"])) if data.get("amount_off") else None
        return data


@admin.register(Promotion)
class PromotionAdmin(ConfirmedAdd):
    """Promotion codes. Customers type them in on their billing page, or on Stripe's page when they subscribe."""

    form = PromotionForm
    making = PROMOTIONS
    list_display = ["code", "size", "duration", "max_redemptions", "expires_at", "state_label", "created_by"]
    list_filter = ["state", "duration"]
    list_select_related = ["created_by"]
    search_fields = ["code", "=stripe_id", "=identifier"]
    ordering = ["-id"]
    actions = ["switch_off", "switch_on"]

    def get_fields(self, request: HttpRequest, obj: Promotion | None = None) -> list[str]:
        """Return the form's fields, or all of a code."""
        if obj is None:
            return [*FIELDS, "identifier"]
        shown = ["size", *(name for name in FIELDS if not name.endswith("_off"))]
        return [*shown, "state", "created_by", "created_at", "stripe_id", "identifier", "last_error"]

    def get_readonly_fields(self, request: HttpRequest, obj: Promotion | None = None) -> list[str]:
        """Return what nobody types in."""
        return self.get_fields(request, obj) if obj else []

    def sentences(self, row: Promotion) -> list[str]:
        """Say what the code gives, and to whom."""
        lasts = {"once": "the next invoice", "repeating": f"{row.months} months", "forever": "every invoice"}
        most = f"{row.max_redemptions} times at most" if row.max_redemptions else "any number of times"
        until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "for ever"
        return [
            f"Make the code {row.code}: {row.size}, for {lasts[row.duration]}.",
            f"It can be redeemed {most}, {until}{', by customers who never paid' if row.first_time_only else ''}.",
            "What it takes off never changes. Switched off, it is redeemed no more; discounts that it made go on.",
        ]

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, row: Promotion) -> str:
        """Show the state."""
        return str(row.get_state_display())

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Switching a code off and on is the one change there is."""
        return request.user.has_perm("billing.change_promotion")

    @admin.action(description="Switch off: it is redeemed no more", permissions=["switch"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Promotion]) -> None:
        """Let the chosen codes not be redeemed."""
        self._switch(request, queryset, redeemable=False)

    @admin.action(description="Switch on again", permissions=["switch"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Promotion]) -> None:
        """Let the chosen codes be redeemed."""
        self._switch(request, queryset, redeemable=True)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Promotion], *, redeemable: bool) -> None:
        words = "is on" if redeemable else "is off"
        for promotion in queryset.order_by("id"):
            try:
                changed = set_redeemable(promotion, redeemable=redeemable)
            except (StripeUnavailable, StripeRejected) as error:
                self.message_user(request, f"{promotion}: {error}", messages.ERROR)
                continue
            if changed:
                self.log_change(request, promotion, f"Switched: {words}.")
            self.message_user(request, f"{promotion} {words}.", messages.SUCCESS if changed else messages.INFO)
