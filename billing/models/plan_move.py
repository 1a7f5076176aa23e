"""The journal of moves: a subscriber taken from one version of a plan to another."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Organization
from billing.models.plan_version import PlanVersion


class PlanMoveQuerySet(models.QuerySet["PlanMove"]):
    """Chainable filters on moves."""

    def to_make(self) -> "PlanMoveQuerySet":
        """Keep the moves that are planned or begun, those due first first."""
        return self.filter(state__in=[PlanMove.State.PLANNED, PlanMove.State.MOVING]).order_by("due_at", "id")


class PlanMove(models.Model):
    """One subscriber's move, by whom it was planned, and its outcome. It may be made long after it was planned."""

    class When(models.TextChoices):
        """The time of a move, once the notice is over."""

        NOW = "now", "Now"
        RENEWAL = "renewal", "At the next renewal"

    class State(models.TextChoices):
        """The states of a move. One that is `moving` has been begun at Stripe, and its outcome is not yet known."""

        PLANNED = "planned", "Planned"
        MOVING = "moving", "Being made"
        MADE = "made", "Made"
        LAPSED = "lapsed", "Lapsed"
        CALLED_OFF = "called_off", "Called off"
        REFUSED = "refused", "Refused by Stripe"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="plan_moves")
    from_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="moves_away")
    to_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="moves_here")
    when = models.CharField(max_length=10, choices=When)
    due_at = models.DateTimeField(help_text="In billing time: it is made from then on.")
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    outcome = models.CharField(max_length=500, blank=True)
    planned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    planned_at = models.DateTimeField(default=timezone.now)
    base_moved_at = models.DateTimeField(
        null=True, blank=True, help_text="When the base was changed, for the period that follows."
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When its outcome was known.")
    base_lines = models.JSONField(
        default=list,
        blank=True,
        help_text="The base for the rest of the period, on the next invoice. In cents.",
    )
    next_attempt_at = models.DateTimeField(default=timezone.now)
    takes_back = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="taken_back_by"
    )

    objects: ClassVar[models.Manager["PlanMove"]] = PlanMoveQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(state__in=["planned", "moving"]),
                name="one_move_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state__in=["planned", "moving"]), name="moves_to_make"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}: from {self.from_version} to {self.to_version}"
