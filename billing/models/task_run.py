"""Runs of tasks, by name: they tell from outside whether the beat, the broker and the workers do their work."""

from django.db import models


class TaskRun(models.Model):
    """When a task last ended, and how often it failed. Every instant is wall time.

    A task that runs every few seconds is noted every few of its runs; a failure always.
    """

    name = models.CharField(max_length=100, unique=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failures = models.BigIntegerField(default=0, db_default=0)
    last_error = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
