"""Plans and their prices: edited here, then published to Stripe."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.base import HistoryAdmin, back_to
from accounts.models import Organization
from billing.admin.exact_fields import ExactInput
from billing.admin.moving import move_page
from billing.admin.price_table import PriceInline
from billing.admin.publication import publication_state, publish_and_tell
from billing.models import Plan
from billing.money import format_exact
from billing.plans.copies import copy_plan

RATE_LIMITS: tuple[str, dict[str, Any]] = (
    "Rate limits",
    {
        "fields": [
            "requests_per_minute",
            "input_tokens_per_minute",
            "output_tokens_per_minute",
            "concurrent_requests",
        ]
    },
)
STATE_COLOURS = {
    "Published": "success",
    "Changes to publish": "warning",
    "Never published": "danger",
    "Not sold": "info",
}


class CopyForm(BaseDialogForm):
    """The customer that a plan is copied for."""

    organization = forms.ModelChoiceField(Organization.objects.order_by("name", "id"), widget=UnfoldAdminSelectWidget())


COPY_DIALOG = {
    "title": "Copy this plan for one customer?",
    "description": (
        "The copy has prices of its own, which are edited on its page. Nobody else is offered it. Publish it, and move "
        "the customer there, or let them choose it."
    ),
    "form_class": CopyForm,
    "form_submit_text": "Copy",
}
PUBLISH_DIALOG = {
    "title": "Publish this plan to Stripe?",
    "description": (
        "Its product, meters and prices are created or brought up to date. A new price holds for new subscribers; "
        "subscriptions that stand keep theirs."
    ),
    "form_class": BaseDialogForm,
    "form_submit_text": "Publish",
}


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    """A plan, with its base price as a person writes it."""

    class Meta:
        model = Plan
        fields = "__all__"  # noqa: DJ007 - PlanAdmin names the fields
        widgets = {"base_price": ExactInput()}
        help_texts = {
            "code": "Names the plan in Stripe's products and lookup keys, so it never changes.",
            "base_price": "A change becomes a new Stripe price when the plan is published. Subscribers keep theirs.",
            "is_active": "Off sale, nobody new can choose the plan; its subscribers stay.",
            "metering": (
                "By tokens, each model and token class is a line of the invoice: three models at most. By spend, all "
                "usage is one line, and models are as many as you like. A published plan stays as it is."
            ),
            "position": "Plans are shown in this order.",
        }


@admin.register(Plan)
class PlanAdmin(HistoryAdmin, ModelAdmin):
    """Plans. A plan is never deleted, since bills refer to it: take it off sale."""

    form = PlanForm
    inlines = [PriceInline]
    list_display = ["name", "code", "base", "models", "is_active", "state", "published_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "code"]
    actions = ["publish_selected"]
    actions_detail = ["publish", "move_subscribers", "copy"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        """Return the plans in the order they are shown to customers."""
        return Plan.objects.order_by("position", "id").prefetch_related("prices")

    def get_fieldsets(self, request: HttpRequest, obj: Plan | None = None) -> list[tuple[str | None, dict[str, Any]]]:
        """Return the fields that apply: free requests of the trial, base price and Stripe's ids of a sold plan."""
        names = ["code", "name", "description", "is_active", "position", "made_for"]
        if obj and obj.is_trial:
            return [(None, {"fields": [*names, "trial_requests"]}), RATE_LIMITS]
        sold: list[tuple[str | None, dict[str, Any]]] = [
            (None, {"fields": [*names, "base_price", "metering"]}),
            RATE_LIMITS,
        ]
        if obj:
            stripe = ["state", "published_at", "stripe_product_id", "stripe_base_price_id"]
            sold.append(("Stripe", {"fields": stripe}))
        return sold

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        """Fix the code once the plan exists, and its metering once invoices may tell of it.

        Stripe's ids are kept by publishing.
        """
        stripe = ["state", "published_at", "stripe_product_id", "stripe_base_price_id"]
        fixed = ["code", "metering"] if obj and obj.published_at else ["code"]
        return [*fixed, "made_for", *stripe] if obj else ["made_for", *stripe]

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Refuse to delete a plan."""
        return False

    def has_move_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow moving subscribers to everyone who may add moves, and see plans."""
        return request.user.has_perms(["billing.add_planmove", "billing.view_plan"])

    def has_publish_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow publishing to everyone who may change plans."""
        return request.user.has_perm("billing.change_plan")

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Save the changed fields alone, so that a publishing meanwhile keeps its own."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            obj._history_user = request.user  # type: ignore[attr-defined]
            obj.save(update_fields=form.changed_data)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the prices, and name the next step."""
        super().save_related(request, form, formsets, change)
        if publication_state(form.instance) in {"Changes to publish", "Never published"}:
            self.message_user(request, "Customers are offered this once it is published to Stripe.", messages.WARNING)

    @display(description="Base price, $ a month")
    def base(self, plan: Plan) -> str:
        """Show the base price."""
        return format_exact(plan.base_price_minor)

    @display(description="Models")
    def models(self, plan: Plan) -> str:
        """Name the models that have a price."""
        return ", ".join(sorted({price.model for price in plan.prices.all()}))

    @display(description="In Stripe", label=STATE_COLOURS)
    def state(self, plan: Plan) -> str:
        """Show whether Stripe has the plan as it is here."""
        return publication_state(plan)

    @admin.action(description="Publish to Stripe", permissions=["publish"])
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Plan]) -> None:
        """Publish the chosen plans."""
        publish_and_tell(request, plans=queryset)

    @action(
        description="Publish to Stripe", permissions=["publish"], dialog=PUBLISH_DIALOG, variant=ActionVariant.PRIMARY
    )
    def publish(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Publish the plan of this page, once confirmed."""
        plan = self.get_object(request, object_id)
        if plan is None:
            raise Http404
        publish_and_tell(request, plans=[plan])
        return back_to(request, view="billing_plan_change", object_id=object_id)

    @action(description="Move subscribers", permissions=["move"])
    def move_subscribers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page on which the plan's subscribers are moved to other prices, or plan their moves."""
        plan = self.get_object(request, object_id)
        if plan is None or plan.is_trial:
            raise Http404
        return move_page(request, plan=plan)

    def has_copy_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Allow copying to everyone who may add plans."""
        return request.user.has_perm("billing.add_plan")

    @action(description="Copy for one customer", permissions=["copy"], dialog=COPY_DIALOG)
    def copy(self, request: HttpRequest, form: CopyForm, object_id: str) -> HttpResponse:
        """Copy the plan for a customer, and go on to the copy."""
        plan = self.get_object(request, object_id)
        if plan is None or plan.is_trial:
            raise Http404
        made = copy_plan(plan=plan, organization=form.cleaned_data["organization"])
        self.log_addition(request, made, f"Copied from {plan}.")
        return back_to(request, view="billing_plan_change", object_id=made.pk)
