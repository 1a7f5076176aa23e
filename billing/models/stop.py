"""Stops: an operator suspends an organization, takes a model out of service, or both together."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts.models import Organization, User
from billing.models.plan import MODEL_ID


class Stop(models.Model):
    """Requests of an organization, for a model, or of an organization for a model, are refused until it is lifted.

    The record of each stop stays for good: a row is lifted, never deleted.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="Empty: all of them."
    )
    model = models.CharField(max_length=100, blank=True, validators=[MODEL_ID], help_text="Empty: all models.")
    reason = models.CharField(max_length=300, help_text="For the staff. Customers are not told.")
    begun_at = models.DateTimeField(default=timezone.now, editable=False)
    begun_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    lifted_at = models.DateTimeField(null=True, editable=False)
    lifted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(lifted_at__isnull=True), name="stops_in_force")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization__isnull=False) | ~models.Q(model=""), name="stop_stops_not_everything"
            ),
            models.UniqueConstraint(
                fields=["organization", "model"],
                condition=models.Q(lifted_at__isnull=True),
                name="organization_stopped_once",
            ),
            models.UniqueConstraint(
                fields=["model"],
                condition=models.Q(lifted_at__isnull=True, organization__isnull=True),
                name="model_stopped_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization or 'everybody'}, {self.model or 'all models'}"

    def validate_constraints(self, exclude: Any = None) -> None:
        """Refuse what stops everything, or is stopped already."""
        if not self.organization_id and not self.model:
            raise ValidationError("Name an organization, a model, or both.")
        same = Stop.objects.filter(organization=self.organization_id, model=self.model, lifted_at=None)
        if same.exclude(pk=self.pk).exists():
            raise ValidationError("That is stopped already.")
