"""Notices: facts that an organization is told by mail, once each, and the mails that tell them."""

from django.db import models
from django.utils import timezone

from accounts.models import Organization, User


class Notice(models.Model):
    """One fact an organization is told. It is written in the transaction of its event, and mailed afterwards."""

    class Kind(models.TextChoices):
        """The kinds of notices. People choose by kind which of them they are mailed."""

        SPENDING_CAP = "spending_cap", "Spending caps"
        UNUSUAL_SPENDING = "unusual_spending", "Unusual spending"
        TRIAL = "trial", "Free trial"
        PAYMENT_FAILED = "payment_failed", "Payment failed"
        PAYMENT_MENDED = "payment_mended", "Payment received after all"
        CARD_EXPIRES = "card_expires", "Card about to expire"
        PLAN_CHANGED = "plan_changed", "Plan changed"
        PRICE_CHANGE = "price_change", "Prices about to change"
        MODEL_RETIRES = "model_retires", "Model about to retire"
        USAGE_LATE = "usage_late", "Usage recorded late"
        INVOICE_READY = "invoice_ready", "Invoice ready"
        WEBHOOK_OFF = "webhook_off", "Webhook switched off"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    occasion = models.CharField(max_length=255, help_text="Tells one event of a kind from the others.")
    facts = models.JSONField(default=dict, help_text="As they were at the event; the mail is composed of them.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    addressed_at = models.DateTimeField(null=True, help_text="In wall time: when its mails were made.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "kind", "occasion"], name="told_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(addressed_at__isnull=True), name="notices_without_mails"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}: {self.get_kind_display()}"


class NoticeMail(models.Model):
    """A notice's mail to one person. A worker leases it, and writes down what the mail server said."""

    class State(models.TextChoices):
        """The states of a mail. A mail that the mail server accepted may still bounce later: that is not known here."""

        WAITING = "waiting"
        SENT = "sent", "Accepted by the mail server"
        REFUSED = "refused", "Refused by the mail server"
        GIVEN_UP = "given_up", "Given up"
        UNWANTED = "unwanted", "No longer wanted"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="mails", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now, help_text="In wall time. While leased: when the lease runs out."
    )
    ended_at = models.DateTimeField(null=True, help_text="In wall time.")
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "user"], name="one_mail_each"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=models.Q(state="waiting"), name="notice_mails_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} to {self.user}"
