"""Second factors of people: a superuser removes those of somebody who has lost phone and recovery codes."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa import admin as _mfa_admin  # noqa: F401 - registers what is registered anew here
from allauth.mfa.models import Authenticator
from allauth.usersessions import admin as _sessions_admin  # noqa: F401
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.access_log import note_on_commit
from accounts.admin.base import ForReading
from accounts.admin.guards import ConfirmedChanges, is_superuser

admin.site.unregister(Authenticator)
# A list of session keys is a list of ways in.
admin.site.unregister(UserSession)


@admin.register(Authenticator)
class AuthenticatorAdmin(ConfirmedChanges, ForReading, ModelAdmin):
    """Authenticator apps, passkeys and recovery codes, without their secrets."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__email"]
    fields = readonly_fields = ["user", "type", "created_at", "last_used_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return is_superuser(request)

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        """Remove a second factor, and tell its owner."""
        super().delete_model(request, obj)
        note_on_commit("second factor removed by staff", user_id=obj.user_id, kind=obj.type)
        get_adapter().send_notification_mail("account/email/second_factor_removed", obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        """Remove second factors, and tell their owners."""
        for authenticator in queryset:
            self.delete_model(request, authenticator)
