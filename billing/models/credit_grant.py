"""Billing credits that an organization was granted, which pay for metered usage alone."""

from django.db import models

from accounts.models import Organization
from billing.models.made_at_stripe import MadeAtStripe
from billing.money import format_cents


class CreditGrant(MadeAtStripe):
    """One grant of credits: made in admin, or found at Stripe."""

    class State(models.TextChoices):
        """The states of a grant. An `ended` one is used up, over, or was taken back."""

        PENDING = "pending", "Being granted"
        GRANTED = "granted", "Granted"
        ENDED = "ended", "Ended"
        REJECTED = "rejected", "Refused by Stripe"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="credit_grants")
    amount_minor = models.BigIntegerField("amount, cents")
    left_minor = models.BigIntegerField("left, cents", default=0, help_text="As Stripe last told it.")
    currency = models.CharField(max_length=3, default="usd")
    usable = models.BooleanField(
        default=False, db_default=False, help_text="Counted in the account's credits when Stripe last told of them."
    )
    reason = models.CharField(max_length=100, blank=True, help_text="The customer sees it.")
    expires_at = models.DateTimeField("expires, UTC", null=True, blank=True, help_text="Empty: never.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    stripe_id = models.CharField(max_length=255, blank=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="credit_grants_are_positive"),
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~models.Q(stripe_id=""), name="one_credit_grant_at_stripe"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="pending"), name="pending_credit_grants"),
        ]

    def __str__(self) -> str:
        return f"{format_cents(self.amount_minor)} for {self.organization}"
