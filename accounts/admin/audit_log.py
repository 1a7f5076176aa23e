"""The logs of organizations, which nobody changes."""

from django.contrib import admin

from accounts.admin.base import ReadOnlyAdmin
from accounts.models import AuditEntry, TermsAcceptance


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Entries of organizations' logs, to read and search."""

    list_display = ["at", "organization", "actor_name", "act", "detail", "ip"]
    list_select_related = ["organization"]
    list_filter = ["event", "at"]
    search_fields = ["organization__name", "actor_name", "detail"]
    fields = readonly_fields = ["organization", "at", "actor_name", "act", "detail", "ip"]
    show_full_result_count = False
    actions = None


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(ReadOnlyAdmin):
    """Acceptances of the terms by person, version and time."""

    list_display = ["accepted_at", "user", "version", "ip"]
    list_select_related = ["user"]
    search_fields = ["user__email", "=version"]
    fields = readonly_fields = ["user", "version", "address", "accepted_at", "ip"]
    actions = None
