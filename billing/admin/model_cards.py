"""Facts about models: entered here, shown in the catalogue."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from accounts.admin.base import HistoryAdmin
from billing.models import ModelCard


@admin.register(ModelCard)
class ModelCardAdmin(HistoryAdmin, ModelAdmin):
    """The catalogue's facts. Prices and retirements have pages of their own."""

    list_display = ["model", "name", "context_tokens", "most_output_tokens"]
    search_fields = ["model", "name"]
    fields = ["model", "name", "purpose", "context_tokens", "most_output_tokens"]
    ordering = ["model"]
