"""The history of every price. Prices are edited on their plan's page; whole models are taken off their plan here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.admin.base import ForReading, HistoryAdmin
from billing.admin.large_tables import ModelFilter
from billing.models import Plan, PlanPrice
from billing.money import CENTS_PER_DOLLAR, EXACT, format_exact
from billing.plans.price_lists import restore_model, withdraw_model

SAME_KEY = {"plan": OuterRef("plan"), "model": OuterRef("model"), "token_class": OuterRef("token_class")}
LATER = Q(valid_from__gt=OuterRef("valid_from")) | Q(valid_from=OuterRef("valid_from"), id__gt=OuterRef("id"))
SOLD = ~Q(stripe_price_id="") | Q(plan__is_trial=True)


def newest(prices: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
    """Keep the newest price of every plan, model and token class that the plan is edited with, published or not."""
    return prices.filter(~Exists(PlanPrice.objects.filter(LATER, **SAME_KEY)), withdrawn_at=None)


def with_superseded(prices: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
    """Add `superseded`: whether a later price of the same plan, model and class is already sold."""
    return prices.annotate(superseded=Exists(PlanPrice.objects.filter(LATER, SOLD, **SAME_KEY)))


def dollars(amount: Any) -> str:
    """Show an amount in dollars with all its decimals."""
    return format_exact(EXACT.multiply(amount, CENTS_PER_DOLLAR))


def _models_of(prices: QuerySet[PlanPrice]) -> list[tuple[Plan, str]]:
    found = {(price.plan, price.model) for price in prices.select_related("plan")}
    return sorted(found, key=lambda each: (each[0].id, each[1]))


class SaleStateFilter(admin.SimpleListFilter):
    """Filters by whether a price is sold now."""

    title = "sale state"
    parameter_name = "sale_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [
            ("current", "Current"),
            ("unpublished", "Not yet published"),
            ("superseded", "Superseded"),
            ("withdrawn", "Taken off"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
        """Keep the prices that are sold now, or the others."""
        wanted = {
            "current": Q(SOLD, superseded=False, withdrawn_at=None),
            "unpublished": Q(~SOLD, withdrawn_at=None),
            "superseded": Q(SOLD, superseded=True, withdrawn_at=None),
            "withdrawn": Q(withdrawn_at__isnull=False),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(PlanPrice)
class PlanPriceAdmin(ForReading, HistoryAdmin, ModelAdmin):
    """All prices. A published one is never changed, so that every bill can be explained for ever."""

    list_display = [
        "plan",
        "model",
        "token_class",
        "per_1k",
        "per_million",
        "valid_from",
        "sale_state",
        "stripe_price_id",
    ]
    list_filter = [SaleStateFilter, "plan", ModelFilter, "token_class"]
    list_select_related = ["plan"]
    list_display_links = ["model"]
    actions = ["withdraw", "restore"]
    ordering = ["plan__position", "plan_id", "model", "token_class", "-valid_from", "-id"]
    fields = readonly_fields = [
        "plan",
        "model",
        "token_class",
        "per_1k",
        "per_million",
        "valid_from",
        "stripe_price_id",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanPrice]:
        """Return all prices, each with `superseded`."""
        return with_superseded(super().get_queryset(request))

    def has_delete_permission(self, request: HttpRequest, obj: PlanPrice | None = None) -> bool:
        """Allow taking back a price that was never published, one at a time: nothing was ever billed by it."""
        withdrawable = obj is not None and not obj.stripe_price_id and not obj.plan.is_trial
        return withdrawable and request.user.has_perm("billing.delete_planprice")

    @display(description="$ per 1,000 tokens")
    def per_1k(self, price: PlanPrice) -> str:
        """Show the price as it is entered."""
        return dollars(price.price_per_1k)

    @display(description="$ per million tokens")
    def per_million(self, price: PlanPrice) -> str:
        """Show the price as Claude's price lists do."""
        return dollars(EXACT.multiply(price.price_per_1k, 1000))

    def has_offer_permission(self, request: HttpRequest) -> bool:
        """Allow changing what a plan offers to everyone who may change plans."""
        return request.user.has_perm("billing.change_plan")

    @admin.action(description="Take the model off its plan", permissions=["offer"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[PlanPrice]) -> None:
        """Offer the models of the chosen prices no more on the plans of these prices."""
        for plan, model in _models_of(queryset):
            prices = withdraw_model(plan=plan, model=model, now=timezone.now())
            self._tell(request, plan, text=f"{model} is taken off {plan}: {prices} prices. Its subscribers keep it")

    @admin.action(description="Offer the model on its plan again", permissions=["offer"])
    def restore(self, request: HttpRequest, queryset: QuerySet[PlanPrice]) -> None:
        """Offer the models of the chosen prices again."""
        for plan, model in _models_of(queryset):
            prices = restore_model(plan=plan, model=model)
            self._tell(request, plan, text=f"{model} is back on {plan}: {prices} prices")

    def _tell(self, request: HttpRequest, plan: Plan, *, text: str) -> None:
        self.log_change(request, plan, text)
        next_step = "" if plan.is_trial else ". Publish the plan, so that new subscribers are offered this"
        self.message_user(request, f"{text}{next_step}.", messages.SUCCESS)

    @display(label={"Current": "success", "Not yet published": "warning", "Superseded": "", "Taken off": "info"})
    def sale_state(self, price: PlanPrice) -> str:
        """Tell whether new subscribers get this price."""
        if price.withdrawn_at:
            return "Taken off"
        if not price.stripe_price_id and not price.plan.is_trial:
            return "Not yet published"
        return "Superseded" if price.superseded else "Current"  # type: ignore[attr-defined]
