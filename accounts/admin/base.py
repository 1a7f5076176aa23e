"""Base classes of the admin's pages."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline


class ForReading:
    """Read-only rows: they are written elsewhere, and not even a superuser adds, changes or deletes them here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete rows."""
        return False


class ReadOnlyAdmin(ForReading, ModelAdmin):
    """Pages of a read-only table."""


class ReadOnlyInline(ForReading, TabularInline):
    """Rows shown on another row's page, each with a link to a page of its own."""

    extra = 0
    show_change_link = True


class HistoryAdmin(SimpleHistoryAdmin):
    """Shows who changed what, and when.

    simple-history restores an old version on a POST, and asks only for the permission to view. Prices that Stripe holds
    cannot be restored like that, so posts are refused.
    """

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show an old version. Raises PermissionDenied for anything but reading."""
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied
        response: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return response

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Hide the button that would bring an old version back."""
        return True


def back_to(request: HttpRequest, *, view: str, object_id: object) -> HttpResponse:
    """Send the browser to a row's page after an action. `view` is such as `billing_plan_change`.

    An action confirmed in a dialog arrives by htmx, which follows a header where a browser follows a redirect.
    """
    url = reverse(f"admin:{view}", args=[object_id])
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
