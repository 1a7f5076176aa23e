"""The e-mail addresses of people, which superusers alone change, and whose owners are told of it."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.access_log import note_on_commit
from accounts.admin.guards import ConfirmedChanges, SuperusersChange

admin.site.unregister(EmailAddress)


@admin.register(EmailAddress)
class EmailAddressAdmin(SuperusersChange, ConfirmedChanges, AllauthEmailAddressAdmin, ModelAdmin):
    """Addresses people sign in with, and whether they were verified. A verified address can reset the password."""

    list_select_related = ["user"]
    actions = ["mark_verified"]

    def save_model(self, request: HttpRequest, obj: EmailAddress, form: Any, change: bool) -> None:
        """Save an address; its owner is told, at the address that it had before too."""
        super().save_model(request, obj, form, change)
        _tell_of(obj)
        if change and "email" in form.changed_data:
            _tell_of_removed(obj, email=form.initial["email"])

    def delete_model(self, request: HttpRequest, obj: EmailAddress) -> None:
        """Delete an address, and tell its owner."""
        super().delete_model(request, obj)
        _tell_of_removed(obj, email=obj.email)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> None:
        """Delete addresses, and tell their owners."""
        for address in queryset:
            self.delete_model(request, address)

    @admin.action(description="Mark as verified", permissions=["change"])
    def mark_verified(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> None:
        """Verify the chosen addresses, which allauth's own action lets anybody do who may look at them."""
        chosen = list(queryset.filter(verified=False))
        self.make_verified(request, queryset)
        for address in chosen:
            note_on_commit("address changed by staff", user_id=address.user_id)


def _tell_of(address: EmailAddress) -> None:
    note_on_commit("address changed by staff", user_id=address.user_id)
    get_adapter().send_notification_mail("account/email/email_confirm", address.user, {"added_email": address.email})


def _tell_of_removed(address: EmailAddress, *, email: str) -> None:
    get_adapter().send_notification_mail("account/email/email_deleted", address.user, {"deleted_email": email})
