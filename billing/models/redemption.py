"""Promotion codes that an organization has redeemed: each once."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization


class Redemption(models.Model):
    """One code of one organization, however it was redeemed. While it has `begun`, no other of the organization may.

    Stripe sets the discounts of a subscription as a whole, so two at once would overwrite each other.
    """

    class State(models.TextChoices):
        """The states of a redemption. One that Stripe refused has no row."""

        BEGUN = "begun", "Being redeemed"
        REDEEMED = "redeemed", "Redeemed"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="redemptions")
    stripe_promotion_id = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN)
    begun_at = models.DateTimeField(default=timezone.now, help_text="In wall time.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "stripe_promotion_id"], name="a_code_is_redeemed_once"),
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(state="begun"), name="one_redemption_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_promotion_id} of {self.organization}"
