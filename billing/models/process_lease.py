"""Leases of web processes: they tell a process that died from one that lives."""

from django.db import models


class ProcessLease(models.Model):
    """The lease of one process that opens usage records. Every instant is told by the database's own clock."""

    process_id = models.BigIntegerField(primary_key=True, help_text="Drawn at random when the process starts.")
    renewed_at = models.DateTimeField()
    suspected_at = models.DateTimeField(
        null=True, help_text="When the lease was found to have run out. Renewing it clears this."
    )

    def __str__(self) -> str:
        return f"process {self.process_id}"
