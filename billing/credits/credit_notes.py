"""Credit notes that staff makes, and those that Stripe tells of: whole invoices or parts of them given back.

The split between what was paid and what was not is decided once, so that each try at making a note is alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction

from billing.credits.making import Making
from billing.credits.terms import mark_stale
from billing.models import BillingAccount, CreditNote, Refund
from billing.money import format_cents
from billing.stripe_billing import credit_notes as stripe_notes
from billing.stripe_billing import sync

State, Way = CreditNote.State, CreditNote.Way
STATES = {"issued": State.ISSUED, "void": State.VOID}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A credit note as pages and the API show it."""

    number: str
    made_on: date
    amount_minor: int
    amount: str
    words: str
    pdf_url: str


def _give_back(note: CreditNote) -> None:
    """Make a note at Stripe, and fetch its invoice anew."""
    lowered = _lowered(note)
    given_back = note.amount_minor - lowered
    told = stripe_notes.create_credit_note(
        invoice_id=note.stripe_invoice_id,
        identifier=note.identifier,
        amount_minor=note.amount_minor,
        refunded_minor=given_back if note.way == Way.CARD else 0,
        credited_minor=given_back if note.way == Way.BALANCE else 0,
        reason=note.reason,
        memo=note.memo,
    )
    keep_note(told)
    sync.sync_invoice(invoice_id=note.stripe_invoice_id)


def _lowered(note: CreditNote) -> int:
    """Return the cents that lower what is to be paid, decided at the first try."""
    if note.lowered_minor is None:
        lowered = min(note.amount_minor, stripe_notes.unpaid_of(invoice_id=note.stripe_invoice_id))
        CreditNote.objects.filter(id=note.id, lowered_minor__isnull=True).update(lowered_minor=lowered)
        note.refresh_from_db(fields=["lowered_minor"])
    return note.lowered_minor or 0


NOTES = Making(model=CreditNote, make=_give_back)


@transaction.atomic
def keep_note(data: Mapping[str, Any]) -> None:
    """Keep a credit note as Stripe tells it, ours or one that somebody made in the dashboard. A void one stays void.

    Refunds that it names are no longer told and counted by themselves: it tells of them.
    """
    account = BillingAccount.objects.filter(stripe_customer_id=data["customer"]).first()
    if account is None:
        return
    paid_back = data["post_payment_amount"]
    values = {
        "state": STATES[data["status"]],
        "number": data["number"],
        "pdf_url": data["pdf"],
        "lowered_minor": data["pre_payment_amount"],
        "stripe_id": data["id"],
        "last_error": "",
    }
    identifier = (data.get("metadata") or {}).get(stripe_notes.IDENTIFIER) or data["id"]
    row, made = CreditNote.objects.get_or_create(
        identifier=identifier,
        defaults={
            **values,
            "organization_id": account.organization_id,
            "stripe_invoice_id": data["invoice"],
            "amount_minor": data["total"],
            "way": Way.CARD if data["refunds"] or not paid_back else Way.BALANCE,
            "reason": data["reason"] or "",
            "memo": (data["memo"] or "")[:200],
            "created_at": datetime.fromtimestamp(data["created"], tz=UTC),
        },
    )
    if not made:
        CreditNote.objects.filter(id=row.id).exclude(state=State.VOID).update(**values)
    Refund.objects.filter(stripe_id__in=[made["refund"] for made in data["refunds"]]).delete()
    mark_stale(organization_id=account.organization_id)


def notes_of(*, organization_id: int, invoice_id: str) -> list[NoteView]:
    """Return the credit notes of an organization's invoice, oldest first."""
    rows = CreditNote.objects.filter(organization_id=organization_id, stripe_invoice_id=invoice_id, state=State.ISSUED)
    return [_view(row) for row in rows.order_by("id")]


def _view(row: CreditNote) -> NoteView:
    return NoteView(
        number=row.number,
        made_on=row.created_at.date(),
        amount_minor=row.amount_minor,
        amount=format_cents(row.amount_minor),
        words=_words(row),
        pdf_url=row.pdf_url,
    )


def _words(row: CreditNote) -> str:
    """Say where the money went."""
    lowered = row.lowered_minor or 0
    given_back = row.amount_minor - lowered
    ways = {Way.CARD: "back to your card", Way.BALANCE: "onto your credit balance, for the next invoice"}
    parts = [f"{format_cents(lowered)} off the amount to pay"] if lowered else []
    parts += [f"{format_cents(given_back)} {ways[Way(row.way)]}"] if given_back else []
    return f"{', '.join(parts)}{f': {row.memo}' if row.memo else ''}"
