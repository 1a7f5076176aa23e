"""Grants of the free trial: a mailbox gets it once."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization


class TrialGrant(models.Model):
    """The free trial that a mailbox got. The address is stored as a hash, and outlives organization and account."""

    mailbox_hash = models.CharField(max_length=64, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, related_name="trial_grants")
    granted_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"Trial of {self.organization}"
