"""The journal of moves, and the ways to call one off or to take it back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.base import ReadOnlyAdmin
from billing.models import PlanMove
from billing.subscriptions.moves import CannotMove, call_off, take_back
from common import clock

STATE_COLOURS = {
    "Planned": "info",
    "Being made": "info",
    "Made": "success",
    "Lapsed": "warning",
    "Called off": "",
    "Refused by Stripe": "danger",
}


@admin.register(PlanMove)
class PlanMoveAdmin(ReadOnlyAdmin):
    """Moves of subscribers between versions of plans: who, when, from, to, and the outcome."""

    list_display = [
        "organization",
        "from_version",
        "to_version",
        "when",
        "due_at",
        "state_label",
        "planned_by",
        "planned_at",
        "outcome",
    ]
    list_filter = ["state", "when", "to_version__plan"]
    list_select_related = ["organization", "from_version__plan", "to_version__plan", "planned_by"]
    search_fields = ["organization__name"]
    ordering = ["-id"]
    list_fullwidth = True
    fields = readonly_fields = [
        "organization",
        "from_version",
        "to_version",
        "when",
        "due_at",
        "state_label",
        "outcome",
        "planned_by",
        "planned_at",
        "base_moved_at",
        "base_lines",
        "ended_at",
        "takes_back",
    ]
    actions = ["call_off", "take_back_now", "take_back_later"]

    def has_plan_permission(self, request: HttpRequest) -> bool:
        """Allow planning moves to everyone who may add them."""
        return request.user.has_perm("billing.add_planmove")

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, move: PlanMove) -> str:
        """Show the state."""
        return PlanMove.State(move.state).label

    @admin.action(description="Call off", permissions=["plan"])
    def call_off(self, request: HttpRequest, queryset: QuerySet[PlanMove]) -> None:
        """Call off the chosen moves that have not begun."""
        self._each(request, queryset, act=lambda move: call_off(move=move, now=clock.now()), done="called off")

    @admin.action(description="Take back now", permissions=["plan"])
    def take_back_now(self, request: HttpRequest, queryset: QuerySet[PlanMove]) -> None:
        """Plan the way back of the chosen moves, at once."""
        self._take_back(request, queryset, when=PlanMove.When.NOW)

    @admin.action(description="Take back at the next renewal", permissions=["plan"])
    def take_back_later(self, request: HttpRequest, queryset: QuerySet[PlanMove]) -> None:
        """Plan the way back of the chosen moves, at each one's next renewal."""
        self._take_back(request, queryset, when=PlanMove.When.RENEWAL)

    def _take_back(self, request: HttpRequest, queryset: QuerySet[PlanMove], *, when: str) -> None:
        def act(move: PlanMove) -> None:
            planned_by: Any = request.user
            take_back(move=move, when=when, notice=timedelta(0), planned_by=planned_by, now=clock.now())

        self._each(request, queryset, act=act, done="to be taken back")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[PlanMove], *, act: Callable[[PlanMove], object], done: str
    ) -> None:
        """Do something to each move, and tell how many it was done to and why not to the others."""
        succeeded = 0
        for move in queryset.order_by("id"):
            try:
                act(move)
            except CannotMove as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                self.log_change(request, move, f"Is {done}.")
                succeeded += 1
        self.message_user(request, f"{succeeded} {done}.", messages.SUCCESS if succeeded else messages.INFO)
