"""How far Stripe's events have been read, beside its webhooks."""

from django.db import models


class EventCursor(models.Model):
    """One row: every event until then came by webhook, or its object was fetched."""

    read_until = models.DateTimeField(help_text="In billing time.")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_event_cursor")]

    def __str__(self) -> str:
        return f"read until {self.read_until:%Y-%m-%d %H:%M:%S}"
