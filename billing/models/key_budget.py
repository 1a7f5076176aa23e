"""A spending cap on one key."""

from django.db import models

from accounts.models import ApiKey
from billing.models.part_budget import PartBudget


class KeyBudget(PartBudget):
    """The budget of a capped key."""

    PART = "api_key_id"

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="budget")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(cap_minor__isnull=False), name="key_budget_has_a_cap"),
        ]

    def __str__(self) -> str:
        return f"Cap on {self.api_key}"
