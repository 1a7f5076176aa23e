"""Refunds that somebody made in Stripe's dashboard without a credit note: shown and counted with their invoices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from billing.models import BillingAccount, Refund
from billing.money import format_cents
from billing.stripe_billing import refunds as stripe_refunds


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """A refund as pages and the API show it."""

    made_on: date
    amount_minor: int
    amount: str


def keep_refund(data: Mapping[str, Any]) -> None:
    """Keep a refund as Stripe tells it, if it is of an invoice of ours and no credit note made it.

    One that failed stays so, since events may come late. Raises StripeUnavailable, StripeRejected.
    """
    known = Refund.objects.filter(stripe_id=data["id"])
    if known.exists():
        known.exclude(status__in=Refund.GONE).update(status=data["status"])
        return
    invoice = stripe_refunds.refunded_invoice(data)
    if invoice is None or invoice.by_note:
        return
    account = BillingAccount.objects.filter(stripe_customer_id=invoice.customer_id).first()
    if account is not None:
        Refund.objects.get_or_create(
            stripe_id=data["id"],
            defaults={
                "organization_id": account.organization_id,
                "stripe_invoice_id": invoice.stripe_id,
                "amount_minor": data["amount"],
                "status": data["status"],
                "refunded_at": datetime.fromtimestamp(data["created"], tz=UTC),
            },
        )


def refunds_of(*, organization_id: int, invoice_id: str) -> list[RefundView]:
    """Return the refunds of an organization's invoice, oldest first."""
    rows = _paid_back().filter(organization_id=organization_id, stripe_invoice_id=invoice_id).order_by("id")
    return [
        RefundView(made_on=row.refunded_at.date(), amount_minor=row.amount_minor, amount=format_cents(row.amount_minor))
        for row in rows
    ]


def refunded_of(invoice_ids: Iterable[str]) -> dict[str, int]:
    """Return the cents that were refunded of invoices, by Stripe's id, without those of nothing."""
    rows = _paid_back().filter(stripe_invoice_id__in=list(invoice_ids)).values_list("stripe_invoice_id")
    return dict(rows.annotate(refunded=Sum("amount_minor")).order_by())


def refunded_of_each() -> Subquery:
    """Return the same of each invoice of a query, to read along with it; null for those of nothing."""
    paid_back = _paid_back().filter(stripe_invoice_id=OuterRef("id")).order_by().values("stripe_invoice_id")
    return Subquery(paid_back.annotate(refunded=Sum("amount_minor")).values("refunded"))


def _paid_back() -> QuerySet[Refund]:
    return Refund.objects.exclude(status__in=Refund.GONE)
