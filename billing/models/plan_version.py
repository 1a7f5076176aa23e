"""Versions of a plan: the prices that a subscriber gets together, and keeps."""

from django.core.validators import MinValueValidator
from django.db import models

from billing.models.plan import Plan, PlanPrice
from billing.money import ExactDecimalField, to_cents


class PlanVersion(models.Model):
    """A plan's base price and token prices as Stripe has them. Rows are added, never changed.

    An account names its version by plan and instant (`priced_at`), and so do usage records and totals.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    priced_at = models.DateTimeField(help_text="Names the version within its plan.")
    base_price = ExactDecimalField(
        "base price, $ a month", max_digits=10, decimal_places=2, validators=[MinValueValidator(0)]
    )
    stripe_base_price_id = models.CharField(max_length=255, blank=True)
    prices = models.ManyToManyField(PlanPrice, related_name="versions")
    offered = models.BooleanField(
        default=True,
        help_text="Whether new subscribers got it. Else it is a mixture of prices that a subscription had at Stripe.",
    )

    class Meta:
        ordering = ["plan", "priced_at", "id"]
        constraints = [models.UniqueConstraint(fields=["plan", "priced_at"], name="one_version_an_instant")]

    def __str__(self) -> str:
        return f"{self.plan}, prices of {self.priced_at:%-d %b %Y %H:%M:%S} UTC"

    @property
    def base_price_minor(self) -> int:
        """The monthly base in cents."""
        return int(to_cents(self.base_price))
