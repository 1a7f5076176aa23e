"""Credit notes: money of a final invoice that was given back, or is not asked for any more."""

from django.db import models

from accounts.models import Organization
from billing.models.made_at_stripe import MadeAtStripe
from billing.money import format_cents


class CreditNote(MadeAtStripe):
    """One credit note: made in admin, or found at Stripe.

    Of an unpaid invoice it lowers the amount to pay. The rest goes to the card, or onto the balance.
    """

    class State(models.TextChoices):
        """The states of a credit note."""

        PENDING = "pending", "Being made"
        ISSUED = "issued", "Issued"
        VOID = "void", "Void"
        REJECTED = "rejected", "Refused by Stripe"

    class Way(models.TextChoices):
        """The way by which money that was paid goes back."""

        CARD = "card", "Back to the card"
        BALANCE = "balance", "Onto the credit balance, for the next invoice"

    class Reason(models.TextChoices):
        """Stripe's reasons."""

        DUPLICATE = "duplicate", "Charged twice"
        FRAUDULENT = "fraudulent", "Fraud"
        ORDER_CHANGE = "order_change", "The order was changed"
        PRODUCT_UNSATISFACTORY = "product_unsatisfactory", "The customer is not content"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="credit_notes")
    stripe_invoice_id = models.CharField("invoice", max_length=255, db_index=True)
    amount_minor = models.BigIntegerField("amount, cents")
    way = models.CharField(max_length=10, choices=Way, default=Way.CARD)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    memo = models.CharField(max_length=200, blank=True, help_text="The customer reads it.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    lowered_minor = models.BigIntegerField(
        "off the amount to pay, cents", null=True, help_text="Decided when it is first sent, so that each try is alike."
    )
    number = models.CharField(max_length=100, blank=True)
    pdf_url = models.CharField(max_length=500, blank=True)
    stripe_id = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="credit_notes_are_positive"),
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~models.Q(stripe_id=""), name="one_credit_note_at_stripe"
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=models.Q(state="pending"), name="pending_credit_notes")]

    def __str__(self) -> str:
        return f"{self.number or 'Credit note'}: {format_cents(self.amount_minor)}"
