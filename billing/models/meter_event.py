"""The outbox: usage on its way to Stripe's meters."""

from django.db import models

from accounts.models import Organization


class MeterEvent(models.Model):
    """Usage of one meter, organization and UTC hour, sent once under an identifier that never changes.

    While `pending`, posting may still add to it. The first lease freezes value and timestamp: from then on it is
    sent as it stands, however often, under the same identifier.
    """

    class State(models.TextChoices):
        """The states of a meter event."""

        PENDING = "pending"
        SENDING = "sending"
        SENT = "sent"
        REJECTED = "rejected"
        PARKED = "parked"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="meter_events", db_index=False
    )
    event_name = models.CharField(max_length=100, help_text="The Stripe meter's event name.")
    value = models.BigIntegerField(help_text="Tokens, or units of spend. Negative where a repair takes some back.")
    occurred_at = models.DateTimeField(help_text="In billing time: the newest usage in it, sent as its timestamp.")
    hour = models.DateTimeField(help_text="The UTC hour it never crosses.")
    period_starts_at = models.DateTimeField(help_text="The billing period it never crosses.")
    identifier = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, help_text="In billing time, as Stripe's deduplication window is.")
    next_attempt_at = models.DateTimeField(help_text="In wall time. While leased: when the lease runs out.")
    compensates = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Makes up for usage that Stripe lost or counted twice. It is no usage of its own.",
    )
    sent_at = models.DateTimeField(null=True)
    error_reported_at = models.DateTimeField(
        null=True, help_text="By Stripe's clock: when it last reported the event as an error, after it had taken it."
    )
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state__in=["pending", "sending"]),
                name="meter_events_due",
            ),
            models.Index(fields=["organization", "period_starts_at"], name="meter_events_of_period"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(value=0), name="meter_event_counts_something"),
            models.UniqueConstraint(
                fields=["organization", "event_name", "hour", "period_starts_at"],
                condition=models.Q(state="pending"),
                name="one_pending_event_an_hour",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_name}: {self.value} ({self.state})"
