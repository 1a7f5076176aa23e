"""The ends of models: entered here, told to callers by header, banner and mail."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from accounts.admin.base import HistoryAdmin
from billing.models import ModelRetirement


@admin.register(ModelRetirement)
class ModelRetirementAdmin(HistoryAdmin, ModelAdmin):
    """Models that retire. A name that leads to a model may be entered too: it is an alias from its date on."""

    list_display = ["model", "retires_at", "successor", "leads_to_successor"]
    search_fields = ["model", "successor"]
    fields = ["model", "retires_at", "successor", "leads_to_successor"]
    ordering = ["retires_at", "id"]
