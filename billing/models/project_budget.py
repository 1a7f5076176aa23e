"""A spending cap on one project."""

from django.db import models

from accounts.models import Project
from billing.models.part_budget import PartBudget


class ProjectBudget(PartBudget):
    """The budget of a capped project."""

    PART = "project_id"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="budget")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(cap_minor__isnull=False), name="project_budget_has_a_cap"),
        ]

    def __str__(self) -> str:
        return f"Cap on the project {self.project}"
