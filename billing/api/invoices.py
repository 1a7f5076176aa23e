"""Invoices, as Stripe made them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView, LineOut, PeriodOut
from billing.bills.invoices import InvoiceSummary, invoice_of, invoices_of
from billing.credits.credit_notes import notes_of
from billing.credits.refunds import refunds_of
from common.rest.fields import Amount

STATUSES = ["draft", "open", "paid", "uncollectible", "void"]


class InvoiceOut(serializers.Serializer[Any]):
    """An invoice in the list."""

    id = serializers.CharField(help_text="Stripe's.")
    number = serializers.CharField(help_text="`Draft` until it has one.")
    status = serializers.ChoiceField(choices=STATUSES)
    period = PeriodOut()
    currency = serializers.CharField()
    total_minor = Amount(help_text="In whole cents, with tax and discounts.")
    unpaid_minor = Amount(help_text="The part that is still to be paid.")
    credited_minor = Amount(help_text="The part that credit notes gave back, or do not ask for any more.")
    refunded_minor = Amount(help_text="The part that was paid back without a credit note.")
    hosted_url = serializers.CharField(help_text="Stripe's page of it, to pay and print; empty for a draft.")
    pdf_url = serializers.CharField(help_text="Empty for a draft.")


class CreditNoteOut(serializers.Serializer[Any]):
    """A credit note of an invoice."""

    number = serializers.CharField()
    amount_minor = Amount(help_text="In whole cents.")
    words = serializers.CharField(help_text="Where the money went.")
    pdf_url = serializers.CharField()


class RefundOut(serializers.Serializer[Any]):
    """Money of an invoice that went back to the card without a credit note."""

    made_on = serializers.DateField()
    amount_minor = Amount(help_text="In whole cents.")


class InvoiceDetailOut(InvoiceOut):
    """An invoice with its lines."""

    lines = LineOut(many=True, help_text="Those of no tokens are left out.")
    exact_minor = Amount(help_text="The sum of the lines in cents, exactly.")
    adjustments_minor = Amount(help_text="The sum of discounts, credits and tax, in whole cents.")
    credit_notes = CreditNoteOut(many=True)
    refunds = RefundOut(many=True, help_text="Those of credit notes are left out.")


class InvoicesView(BillingView):
    """The organization's invoices."""

    @extend_schema(operation_id="list_invoices", summary="List invoices", responses=InvoiceOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the organization's invoices, one a month, the newest first."""
        invoices = invoices_of(customer_id=self.account.stripe_customer_id)
        return Response([InvoiceOut(_summary(invoice)).data for invoice in invoices])


class InvoiceView(BillingView):
    """One invoice."""

    @extend_schema(operation_id="get_invoice", summary="Look at an invoice", responses=InvoiceDetailOut)
    def get(self, request: Request, invoice_id: str) -> Response:
        """Return one invoice with its lines."""
        detail = invoice_of(customer_id=self.account.stripe_customer_id, invoice_id=invoice_id)
        body = {
            **_summary(detail.summary),
            "lines": detail.lines,
            "exact_minor": detail.exact_minor,
            "adjustments_minor": detail.adjustments_minor,
            "credit_notes": notes_of(organization_id=self.organization_id, invoice_id=invoice_id),
            "refunds": refunds_of(organization_id=self.organization_id, invoice_id=invoice_id),
        }
        return Response(InvoiceDetailOut(body).data)


def _summary(summary: InvoiceSummary) -> dict[str, Any]:
    names = (
        "number",
        "period",
        "currency",
        "total_minor",
        "unpaid_minor",
        "credited_minor",
        "refunded_minor",
        "hosted_url",
        "pdf_url",
    )
    fields = {name: getattr(summary, name) for name in names}
    return {**fields, "id": summary.stripe_id, "status": summary.status.lower()}
