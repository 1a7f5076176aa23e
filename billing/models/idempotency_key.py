"""Idempotency keys: the answer of a request that its caller may repeat."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from billing.models.usage_record import UsageRecord


class IdempotencyKey(models.Model):
    """A caller's key for a request, kept from its begin on, with the answer once the request is settled.

    Made, answered and deleted under the account's lock, in the transactions that open and end the record.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    key_hash = models.CharField(max_length=64, help_text="SHA-256 of the key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's path and body.")
    record = models.OneToOneField(UsageRecord, on_delete=models.CASCADE, related_name="+")
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True, help_text="In wall time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key_hash"], name="one_request_a_key")]

    def __str__(self) -> str:
        return f"{self.key_hash[:12]} ({self.record_id})"
