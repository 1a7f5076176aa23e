"""Webhooks to customers' own systems: endpoints, the events they are told, and one row for each delivery."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization


class CustomerEndpoint(models.Model):
    """An address of a customer's system that events are sent to. Its secrets are stored encrypted."""

    class Reason(models.TextChoices):
        """The reasons for which an endpoint is off."""

        BY_HAND = "by_hand", "Switched off by your team"
        FAILURES = "failures", "Switched off because nothing arrived for days"
        GONE = "gone", "Switched off because it answered 410 Gone"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    event_types = models.JSONField(default=list, blank=True, help_text="Types of events it gets. Empty: all.")
    sealed_secret = models.TextField()
    sealed_old_secret = models.TextField(blank=True, help_text="Signs as well until it ends, after a rotation.")
    old_secret_ends_at = models.DateTimeField(null=True, help_text="In wall time.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    failing_since = models.DateTimeField(null=True, help_text="In wall time: the first failure since the last success.")
    disabled_at = models.DateTimeField(null=True, help_text="In wall time.")
    disabled_reason = models.CharField(max_length=10, choices=Reason, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.url


class CustomerEvent(models.Model):
    """A fact that a customer's systems are told, written in the transaction of the fact, once for its occasion."""

    class Type(models.TextChoices):
        """The types of events, as receivers see them, each with a sentence about it."""

        ALERT_REACHED = "alert.reached", "A share of a spending cap is used, at the shares your team chose."
        CAP_REACHED = "cap.reached", "A spending cap is used up: requests that could pass it are refused."
        INVOICE_PAID = "invoice.paid", "An invoice is paid."
        INVOICE_PAYMENT_FAILED = "invoice.payment_failed", "A payment of an invoice failed."
        PLAN_CHANGED = "plan.changed", "A plan began, or was switched."
        SUBSCRIPTION_ENDED = "subscription.ended", "The subscription has ended."
        KEY_CREATED = "key.created", "An API key was created, or took the place of another."
        KEY_REVOKED = "key.revoked", "An API key was revoked."
        TEST = "webhook.test", "A test that your team sent to this endpoint."

    public_id = models.CharField(max_length=40, unique=True, help_text="The webhook-id of its deliveries.")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    type = models.CharField(max_length=30, choices=Type)
    occasion = models.CharField(max_length=255, help_text="Tells one event of a type from the others.")
    data = models.JSONField(default=dict)
    happened_at = models.DateTimeField(help_text="In billing time.")
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "type", "occasion"], name="customer_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class EventDelivery(models.Model):
    """An event on its way to one endpoint, and the last answer to it."""

    class State(models.TextChoices):
        """The states of a delivery."""

        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given_up", "Given up"
        DROPPED = "dropped", "Endpoint switched off"

    endpoint = models.ForeignKey(CustomerEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(CustomerEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now, help_text="In wall time. While leased: when the lease runs out."
    )
    ended_at = models.DateTimeField(null=True, help_text="In wall time.")
    attempted_at = models.DateTimeField(null=True, help_text="In wall time: the last attempt.")
    took_ms = models.PositiveIntegerField(default=0)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Of the last answer. Null without one.")
    answer = models.TextField(blank=True, help_text="The first 1 KB of the last answer.")
    error = models.CharField(max_length=300, blank=True, help_text="The reason why the last attempt failed.")

    class Meta:
        verbose_name_plural = "event deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_each"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=models.Q(state="waiting"), name="event_deliveries_due"
            ),
            models.Index(fields=["endpoint", "-id"], name="deliveries_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"
