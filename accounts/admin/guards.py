"""Guards of the admin's pages that decide who may come in."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.recent_sign_in import is_confirmed


def is_superuser(request: HttpRequest) -> bool:
    """Tell whether an active superuser asks."""
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


class SuperusersChange:
    """Rows that staff with the right may look at, and superusers alone add, change or delete."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return is_superuser(request)


class ConfirmedChanges:
    """Rows that are changed by a person who gave the password lately: a stolen session of staff opens all doors.

    The form has to be sent again afterwards, since a password in it must not be kept in the meantime.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or change a row; a change asks for the password first where it was not given lately."""
        if confirm := confirm_first(request):
            return confirm
        shown: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        return shown

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or act on rows of it."""
        if confirm := confirm_first(request):
            return confirm
        shown: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        return shown

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete a row."""
        if confirm := confirm_first(request):
            return confirm
        shown: HttpResponse = super().delete_view(request, object_id, extra_context)  # type: ignore[misc]
        return shown


def confirm_first(request: HttpRequest) -> HttpResponse | None:
    """Return the page that asks for the password, where a request changes something and none was given lately."""
    if request.method != "POST" or is_confirmed(request):
        return None
    return ask_for_password(request)


def ask_for_password(request: HttpRequest) -> HttpResponse:
    """Return the page that asks for the password and then leads back to the address of the request."""
    return redirect_to_login(request.get_full_path(), login_url=reverse("account_reauthenticate"))
