"""Promotion codes that an operator gave out."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from billing.models.made_at_stripe import MadeAtStripe
from billing.money import format_cents


class Promotion(MadeAtStripe):
    """A promotion code and the coupon behind it."""

    class Duration(models.TextChoices):
        """The invoices that have the discount."""

        ONCE = "once", "The next invoice"
        REPEATING = "repeating", "For some months"
        FOREVER = "forever", "For ever"

    class State(models.TextChoices):
        """The states of a code."""

        PENDING = "pending", "Being made"
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Not redeemable"
        REJECTED = "rejected", "Refused by Stripe"

    code = models.CharField(
        max_length=50,
        validators=[RegexValidator(r"^[A-Za-z0-9-]+$", "Letters, digits and dashes only.")],
        help_text="What customers type in, in any case.",
    )
    percent_off = models.DecimalField(
        "% off",
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(100)],
    )
    amount_off_minor = models.BigIntegerField("cents off", null=True, blank=True)
    currency = models.CharField(max_length=3, default="usd")
    duration = models.CharField(max_length=10, choices=Duration, default=Duration.ONCE)
    months = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Where it is for some months.")
    max_redemptions = models.PositiveIntegerField("redemptions at most", null=True, blank=True)
    expires_at = models.DateTimeField(
        "redeemable until, UTC", null=True, blank=True, help_text="Discounts that were redeemed before go on."
    )
    first_time_only = models.BooleanField("for customers who never paid", default=False)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    stripe_id = models.CharField(max_length=255, blank=True)

    class Meta:
        verbose_name = "promotion code"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(percent_off__isnull=True) ^ models.Q(amount_off_minor__isnull=True),
                name="promotions_take_a_percentage_or_an_amount_off",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def size(self) -> str:
        """The discount, as text."""
        if self.percent_off is not None:
            return f"{self.percent_off.normalize():f} % off"
        return f"{format_cents(self.amount_off_minor or 0)} off"
