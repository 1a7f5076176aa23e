"""Credit notes: an invoice, or a part of it, given back after a confirmation."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from djstripe.models import Invoice
from unfold.decorators import display

from billing.admin.confirmed import ConfirmedAdd, IdentifierField
from billing.admin.exact_fields import DollarsField
from billing.credits.credit_notes import NOTES
from billing.credits.refunds import refunded_of
from billing.models import BillingAccount, CreditNote
from billing.money import format_cents, to_cents

STATE_COLOURS = {"Being made": "info", "Issued": "success", "Void": "info", "Refused by Stripe": "danger"}


class CreditNoteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A credit note as a person writes it: the invoice by its id or number, and an amount."""

    stripe_invoice_id = forms.CharField(label="Invoice", help_text="Its number, or Stripe's id.")
    amount = DollarsField(
        required=False, label="Amount, $", help_text="Empty: all of it that is not given back already."
    )
    identifier = IdentifierField(kind="note")

    class Meta:
        model = CreditNote
        fields = ["stripe_invoice_id", "way", "reason", "memo", "identifier"]

    def clean(self) -> dict[str, Any]:
        """Find the invoice and its organization, and refuse more than is left of it."""
        data: dict[str, Any] = super().clean() or {}
        given = (data.get("stripe_invoice_id") or "").strip()
        found = Invoice.objects.filter(id=given).first() or Invoice.objects.filter(stripe_data__number=given).first()
        account = _account_of(found)
        if found is None or account is None:
            raise forms.ValidationError({"stripe_invoice_id": "There is no such invoice."})
        left = _left_of(found)
        amount = left if data.get("amount") is None else int(to_cents(data["amount"]))
        if not 0 < amount <= left:
            raise forms.ValidationError({"amount": f"More than nothing, and at most {format_cents(left)}."})
        self.instance.amount_minor, self.instance.organization = amount, account.organization
        data["stripe_invoice_id"] = found.id
        return data


def _account_of(invoice: Invoice | None) -> BillingAccount | None:
    if invoice is None:
        return None
    accounts = BillingAccount.objects.select_related("organization").exclude(stripe_customer_id="")
    return accounts.filter(stripe_customer_id=invoice.stripe_data["customer"]).first()


def _left_of(invoice: Invoice) -> int:
    """Return the cents of an invoice that no credit note has, and that were not refunded, as far as Stripe has told."""
    data = invoice.stripe_data
    noted = (data.get("pre_payment_credit_notes_amount") or 0) + (data.get("post_payment_credit_notes_amount") or 0)
    return int(data["total"] - noted - refunded_of([invoice.id]).get(invoice.id, 0))


@admin.register(CreditNote)
class CreditNoteAdmin(ConfirmedAdd):
    """Credit notes. Of an unpaid invoice they lower what is to be paid; of a paid one the money goes back."""

    form = CreditNoteForm
    making = NOTES
    list_display = ["organization", "stripe_invoice_id", "number", "amount", "way", "state_label", "created_by"]
    list_filter = ["state", "way", "reason"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["organization__name", "=stripe_invoice_id", "=number", "=stripe_id", "=identifier"]
    ordering = ["-id"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: CreditNote | None = None) -> list[str]:
        """Return the form's fields, or all of a note."""
        if obj is None:
            return ["stripe_invoice_id", "amount", "way", "reason", "memo", "identifier"]
        shown = ["organization", "stripe_invoice_id", "number", "amount", "way", "reason", "memo", "state"]
        return [*shown, "created_by", "created_at", "stripe_id", "identifier", "last_error"]

    def get_readonly_fields(self, request: HttpRequest, obj: CreditNote | None = None) -> list[str]:
        """Return what nobody types in."""
        return self.get_fields(request, obj) if obj else []

    def sentences(self, row: CreditNote) -> list[str]:
        """Say what is given back, and by which way."""
        way = "goes back to the card" if row.way == CreditNote.Way.CARD else "goes onto the customer's credit balance"
        return [
            f"Credit {format_cents(row.amount_minor)} of invoice {row.stripe_invoice_id} to {row.organization}.",
            f"What is unpaid of it is not asked for any more; what was paid {way}. It cannot be undone.",
        ]

    @display(description="Amount")
    def amount(self, row: CreditNote) -> str:
        """Show the amount."""
        return format_cents(row.amount_minor)

    @display(description="State", label=STATE_COLOURS)
    def state_label(self, row: CreditNote) -> str:
        """Show the state."""
        return str(row.get_state_display())
