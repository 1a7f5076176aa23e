"""Projects: the tags by which an organization tells its requests apart."""

import re

from django.db import models
from django.utils import timezone

# The name is what a caller sends, so that it must fit a header, a chart and a file.
PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


class Project(models.Model):
    """A part of an organization's requests, by the name that callers send. It is archived, never deleted."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_project_of_a_name")]

    def __str__(self) -> str:
        return self.name
