"""Budgets: the amounts that organizations and keys may spend in a billing period."""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from billing.money import EXACT, AmountField


class Budget(models.Model):
    """A spending cap, what was spent of it, and what open requests may still cost: exact cents.

    Changed only under the lock of the organization's billing account.
    """

    cap_minor = AmountField("spending cap, cents a period", null=True, blank=True)
    spent_minor = AmountField("spent this period, cents", default=Decimal(0), editable=False)
    held_minor = AmountField("held for open requests, cents", default=Decimal(0), editable=False)
    # Not `period_starts_at`: a change of plan begins a new bill in mid-period, and what was spent stays spent.
    spending_starts_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="What was spent is counted from here, in billing time."
    )

    class Meta:
        abstract = True

    @property
    def left_minor(self) -> Decimal | None:
        """The room that the cap leaves for another request, below zero if it was lowered; None without a cap."""
        if self.cap_minor is None:
            return None
        return EXACT.subtract(EXACT.subtract(self.cap_minor, self.spent_minor), self.held_minor)
