"""Bills of subscriptions that ended at once, of which Stripe may have made no invoice."""

from django.db import models

from accounts.models import Organization


class EndedBill(models.Model):
    """One such bill: our way to cancel has Stripe invoice it, others need not."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="ended_bills")
    stripe_subscription_id = models.CharField(max_length=255)
    starts_at = models.DateTimeField(help_text="The billing period it was of.")
    ended_at = models.DateTimeField(help_text="In billing time.")
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "starts_at"], name="a_bill_ends_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(checked_at__isnull=True), name="ended_bills_to_check"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}, {self.starts_at:%Y-%m-%d} to {self.ended_at:%Y-%m-%d}"
