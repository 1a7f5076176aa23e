"""Stops: an organization is suspended, a model is taken out of service, and both are let in again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.models import User
from billing.limits.stops import lift_stop, note_stop
from billing.models import Stop


@admin.register(Stop)
class StopAdmin(ModelAdmin):
    """Stops, those in force and those that were lifted. Nobody changes or deletes one."""

    list_display = ["who", "which", "state", "reason", "begun_at", "begun_by", "lifted_at", "lifted_by"]
    list_filter = [("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "begun_by", "lifted_by"]
    search_fields = ["organization__name", "=model"]
    search_help_text = "Part of an organization's name, or a model's id"
    autocomplete_fields = ["organization"]
    fields = ["organization", "model", "reason"]
    actions = ["lift"]

    @display(description="Organization")
    def who(self, stop: Stop) -> str:
        """Show whose requests are refused."""
        return str(stop.organization or "All")

    @display(description="Model")
    def which(self, stop: Stop) -> str:
        """Show requests for which model are refused."""
        return stop.model or "All"

    @display(description="State", label={"In force": "danger", "Lifted": "success"})
    def state(self, stop: Stop) -> str:
        """Tell whether it is in force."""
        return "Lifted" if stop.lifted_at else "In force"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a stop is lifted."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: it stays known who stopped whom."""
        return False

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Allow lifting to those who may stop."""
        return request.user.has_perm("billing.add_stop")

    def save_model(self, request: HttpRequest, obj: Stop, form: Any, change: bool) -> None:
        """Stop, and note who did."""
        obj.begun_by = _person(request)
        note_stop(obj)
        self.message_user(request, "Requests are refused within 5 seconds, in every process.", messages.SUCCESS)

    @admin.action(description="Let requests in again", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Stop]) -> None:
        """Lift the chosen stops."""
        for stop in queryset.select_related("organization").order_by("id"):
            if lift_stop(stop, by=_person(request), now=timezone.now()):
                self.log_change(request, stop, "Lifted.")
            self.message_user(request, f"Requests are let in again: {stop}.", messages.SUCCESS)


def _person(request: HttpRequest) -> User:
    person = request.user
    assert isinstance(person, User)  # noqa: S101 - the admin lets in nobody else
    return person
