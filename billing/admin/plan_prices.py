"""The history of every price. Prices are edited on their plan's page."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.admin.base import ForReading, HistoryAdmin
from billing.admin.large_tables import ModelFilter
from billing.models import PlanPrice
from billing.money import CENTS_PER_DOLLAR, EXACT, format_exact

SAME_KEY = {"plan": OuterRef("plan"), "model": OuterRef("model"), "token_class": OuterRef("token_class")}
LATER = Q(valid_from__gt=OuterRef("valid_from")) | Q(valid_from=OuterRef("valid_from"), id__gt=OuterRef("id"))
SOLD = ~Q(stripe_price_id="") | Q(plan__is_trial=True)


def newest(prices: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
    """Keep the newest price of every plan, model and token class, whether published or not."""
    return prices.filter(~Exists(PlanPrice.objects.filter(LATER, **SAME_KEY)))


def with_superseded(prices: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
    """Add `superseded`: whether a later price of the same plan, model and class is already sold."""
    return prices.annotate(superseded=Exists(PlanPrice.objects.filter(LATER, SOLD, **SAME_KEY)))


def dollars(amount: Any) -> str:
    """Show an amount in dollars with all its decimals."""
    return format_exact(EXACT.multiply(amount, CENTS_PER_DOLLAR))


class SaleStateFilter(admin.SimpleListFilter):
    """Filters by whether a price is sold now."""

    title = "sale state"
    parameter_name = "sale_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("current", "Current"), ("unpublished", "Not yet published"), ("superseded", "Superseded")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PlanPrice]) -> QuerySet[PlanPrice]:
        """Keep the prices that are sold now, or the others."""
        wanted = {
            "current": Q(SOLD, superseded=False),
            "unpublished": ~SOLD,
            "superseded": Q(SOLD, superseded=True),
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

    @display(label={"Current": "success", "Not yet published": "warning", "Superseded": ""})
    def sale_state(self, price: PlanPrice) -> str:
        """Tell whether new subscribers get this price."""
        if not price.stripe_price_id and not price.plan.is_trial:
            return "Not yet published"
        return "Superseded" if price.superseded else "Current"  # type: ignore[attr-defined]
