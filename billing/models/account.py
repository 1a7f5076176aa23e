"""Billing accounts: the one row of an organization that every request reads and guards."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from billing.models.budget import Budget
from billing.models.plan import Plan
from billing.money import AmountField
from billing.periods import Period, period_at


class BillingAccount(Budget):
    """An organization's plan, billing period and spending. A writer locks it first, several in order of id.

    The lock also guards the organization's usage records and the budgets of its keys.
    """

    class Status(models.TextChoices):
        """The state of the subscription. Stripe's own status is kept beside it."""

        TRIAL = "trial", "Free trial"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Payment overdue"
        SUSPENDED = "suspended", "Suspended: unpaid"
        DISPUTED = "disputed", "Suspended: payment disputed"

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="billing_account")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="accounts")
    status = models.CharField(max_length=10, choices=Status, default=Status.TRIAL)
    priced_at = models.DateTimeField(
        default=timezone.now,
        help_text="The plan's prices as of this instant are the account's: those it subscribed to.",
    )
    anchor_at = models.DateTimeField(default=timezone.now, help_text="Billing periods are counted from here.")
    period_starts_at = models.DateTimeField()
    period_ends_at = models.DateTimeField()
    trial_used = models.PositiveIntegerField(default=0)
    trial_tokens = models.BigIntegerField(
        default=0, db_default=0, help_text="Tokens of the free trial: used, or set aside for requests that run."
    )
    trial_value_minor = AmountField(
        "value of the trial, cents",
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="What the free trial's tokens are sold for, in plans: used, or set aside for requests that run.",
    )
    had_trial_before = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether the owner's mailbox had its free trial in another organization.",
    )
    has_key_caps = models.BooleanField(
        default=False,
        editable=False,
        help_text="Whether any key or project has a budget of its own, for requests to look up.",
    )
    stripe_customer_id = models.CharField(max_length=255, blank=True, db_index=True)
    stripe_subscription_id = models.CharField(max_length=255, blank=True, db_index=True)
    checkout_session_id = models.CharField(max_length=255, blank=True, help_text="The Checkout session last opened.")
    checkout_opened_at = models.DateTimeField(
        null=True, blank=True, help_text="In wall time: when a first payment was last asked for, there or by API."
    )
    stripe_period_ends_at = models.DateTimeField(
        null=True, blank=True, help_text="The end of the subscription's period as Stripe last told it."
    )
    subscription_began_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The beginning of the subscription's first bill. Its meters bill no usage of an earlier one.",
    )
    change_begun_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="In wall time: since then a change is being made, and usage waits to be posted.",
    )
    collection_stopped = models.BooleanField(
        default=False, help_text="Stripe stopped collecting open invoices as the subscription ended. They are owed."
    )
    stripe_status = models.CharField(max_length=30, blank=True)
    credit_minor = models.BigIntegerField(
        default=0, db_default=0, editable=False, help_text="Billing credits in cents, as Stripe last told them."
    )
    cancel_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "billing account"
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(change_begun_at__isnull=False), name="accounts_being_changed"
            ),
            models.Index(fields=["id"], condition=models.Q(collection_stopped=True), name="accounts_collected_no_more"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}: {self.plan}"

    @property
    def period(self) -> Period:
        """The billing period this row speaks of."""
        return Period(starts_at=self.period_starts_at, ends_at=self.period_ends_at)

    def enter_period(self, *, now: datetime) -> bool:
        """Move to the period that holds `now`; a new period starts with nothing spent. Saves nothing.

        A subscription whose planned end has come is the free trial from that instant. Returns False where nothing
        changes. Usage waits for Stripe to tell neither of the renewal nor of the end.
        """
        if self.cancel_at is not None and self.cancel_at <= now and self.status != self.Status.TRIAL:
            self.fall_to_trial(at=self.cancel_at)
        elif now < self.period_ends_at:
            return False
        if now >= self.period_ends_at:
            self.begin_spending(period=period_at(anchor=self.anchor_at, instant=now))
        return True

    def begin_spending(self, *, period: Period) -> None:
        """Move to `period`, with nothing spent. Saves nothing."""
        self.period_starts_at, self.period_ends_at = period.starts_at, period.ends_at
        self.spending_starts_at, self.spent_minor = period.starts_at, Decimal(0)

    def fall_to_trial(self, *, at: datetime) -> None:
        """Be on the free trial from `at` on, where the subscription ended, with a new bill. Saves nothing."""
        self.plan, self.status = Plan.objects.get(is_trial=True), self.Status.TRIAL
        self.begin_bill(at=at)

    def begin_bill(self, *, at: datetime) -> None:
        """Begin a new bill at `at`: usage before it has just been invoiced. Saves nothing.

        The spending of the period goes on, since a cap is for the whole period. Stripe tells whole seconds, so a change
        in the second in which the period began needs the microsecond to begin anything new.
        """
        self.enter_period(now=at)
        self.period_starts_at = max(self.period_starts_at + timedelta(microseconds=1), at)
