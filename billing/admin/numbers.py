"""Claude's own prices, as an operator enters them, and the numbers that follow from them as a file."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from accounts.admin.base import HistoryAdmin
from billing.admin.glance.numbers import RIGHT, days_until
from billing.models import ModelCost
from billing.money import exact_text
from billing.revenue.margins import usage_numbers
from common import clock
from common.rest.csv_table import safe_cell

HEADER = ["day", "plan", "requests", "revenue_usd", "claude_cost_usd", "margin_usd"]


@admin.register(ModelCost)
class ModelCostAdmin(HistoryAdmin, ModelAdmin):
    """Prices of Claude's. A new one is a new row from its day on."""

    list_display = ["model", "kind", "price", "valid_from"]
    list_filter = ["kind"]
    search_fields = ["model"]
    fields = ["model", "kind", "price", "valid_from"]

    def get_urls(self) -> list[URLPattern]:
        """Add the file of numbers."""
        own = path("numbers.csv", self.admin_site.admin_view(self.numbers_csv), name="billing_numbers_csv")
        return [own, *super().get_urls()]

    def numbers_csv(self, request: HttpRequest) -> HttpResponse:
        """Return the exact numbers of each day and plan. Raises PermissionDenied."""
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        name = f"numbers-{clock.now():%Y-%m-%d}.csv"
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        csv.writer(response).writerows(_lines())
        return response


def _lines() -> Iterator[list[Any]]:
    days = days_until(clock.now().date())
    yield HEADER
    by_day = usage_numbers(first=days[0], last=days[-1]).by_day
    for day in days:
        for plan, margin in sorted(by_day.get(day, {}).items()):
            amounts = (margin.revenue_minor, margin.cost_minor, margin.margin_minor)
            yield [
                day.isoformat(),
                safe_cell(plan),
                margin.requests,
                *(exact_text(amount) for amount in amounts),
            ]
