"""Notices of invoices, from Stripe's state as dj-stripe stores it: ready, not paid, paid after all.

An invoice is looked at whenever it is stored, by a webhook or by a synchronization, any number of times.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.mail.notices import Kind, tell, was_told
from billing.mail.words import date_of
from billing.models import BillingAccount, Notice
from billing.money import format_cents
from common.letters import Letter, Link

# An older invoice that comes in, as by a first synchronization, is no news.
NEWS_FOR = timedelta(days=3)
# While it is unpaid, its payer is still on the page that asks for the first payment.
FIRST_INVOICE = "subscription_create"


def tell_of_invoice(data: Mapping[str, Any], *, now: datetime) -> None:
    """Have an organization told what is new of an invoice, as Stripe tells it, in the caller's transaction.

    `now` is billing time. An invoice of no organization here tells nothing.
    """
    account = BillingAccount.objects.filter(stripe_customer_id=data.get("customer") or "-").first()
    if account is None:
        return
    if _is_ready(data, now=now):
        _tell(account, Kind.INVOICE_READY, data)
    if payment_failed(data):
        _tell(account, Kind.PAYMENT_FAILED, data)
    elif data["status"] == "paid" and was_told(
        organization_id=account.organization_id, kind=Kind.PAYMENT_FAILED, occasion=data["id"]
    ):
        _tell(account, Kind.PAYMENT_MENDED, data)


def tell_of_suspension(account: BillingAccount, *, invoice_id: str) -> None:
    """Have an organization told that its plan is suspended, as an invoice is unpaid, in the caller's transaction."""
    tell(
        organization_id=account.organization_id,
        kind=Kind.PAYMENT_FAILED,
        occasion=f"suspended:{account.stripe_subscription_id}:{invoice_id}",
        facts={"suspended": account.plan.name},
    )


def payment_failed(data: Mapping[str, Any]) -> bool:
    """Tell whether Stripe tried to collect an invoice and it is unpaid; several attempts are one failure."""
    tried = data["status"] == "open" and data.get("attempt_count", 0) > 0 and data["amount_remaining"] > 0
    return tried and data.get("billing_reason") != FIRST_INVOICE


def invoice_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a new invoice."""
    paid = "It is paid." if facts["paid"] else f"{facts['unpaid']} are to be paid: a card on file is charged by itself."
    return Letter(
        subject=f"Invoice {facts['number']} of {facts['total']} for {facts['organization']}",
        paragraphs=[f"Invoice {facts['number']} for {facts['organization']} is ready. {paid}"],
        rows=[("Invoice", facts["number"]), ("Period", facts["period"]), ("Total", facts["total"])],
        link=Link(label="See the invoice, line by line", path=facts["path"]),
    )


def payment_failed_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a failed payment, or about the suspension that follows failed payments."""
    organization = facts["organization"]
    if "suspended" in facts:
        return Letter(
            subject=f"{facts['suspended']} of {organization} is suspended: an invoice is unpaid",
            paragraphs=[
                f"Payments of {organization} failed again and again, so {facts['suspended']} is suspended: requests "
                "are refused. It is open again as soon as the newest invoice is paid."
            ],
            link=Link(label="Pay the invoice", path="/app/billing/"),
        )
    again = (
        f"The next attempt is on {facts['next_attempt']}." if facts["next_attempt"] else "There is no further attempt."
    )
    return Letter(
        subject=f"A payment of {organization} failed: {facts['unpaid']}",
        paragraphs=[
            f"The payment of invoice {facts['number']} failed, and {facts['unpaid']} are owed. {again}",
            "Pay it on its page, with this card or another one. The plan may be suspended while it is unpaid.",
        ],
        rows=[("Invoice", facts["number"]), ("Period", facts["period"]), ("Unpaid", facts["unpaid"])],
        link=Link(label="Pay the invoice", path=facts["hosted"] or facts["path"]),
    )


def payment_mended_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about an invoice that is paid after a payment failed."""
    return Letter(
        subject=f"Invoice {facts['number']} of {facts['organization']} is paid",
        paragraphs=[f"Invoice {facts['number']}, whose payment had failed, is paid. Nothing of it is owed any more."],
        rows=[("Invoice", facts["number"]), ("Period", facts["period"]), ("Paid", facts["total"])],
        link=Link(label="See the invoice", path=facts["path"]),
    )


def _is_ready(data: Mapping[str, Any], *, now: datetime) -> bool:
    finalized_at = (data.get("status_transitions") or {}).get("finalized_at")
    if data["status"] not in {"open", "paid"} or not finalized_at or data["total"] <= 0:
        return False
    if data.get("billing_reason") == FIRST_INVOICE and data["status"] == "open":
        return False
    return now - datetime.fromtimestamp(finalized_at, tz=UTC) < NEWS_FOR


def _tell(account: BillingAccount, kind: Notice.Kind, data: Mapping[str, Any]) -> None:
    tell(organization_id=account.organization_id, kind=kind, occasion=data["id"], facts=_facts(data))


def _facts(data: Mapping[str, Any]) -> dict[str, Any]:
    first, last = (_day(data[name]) for name in ("period_start", "period_end"))
    return {
        "number": data.get("number") or data["id"],
        "period": first if first == last else f"{first} to {last}",
        "total": format_cents(data["total"]),
        "unpaid": format_cents(data["amount_remaining"]),
        "paid": data["status"] == "paid",
        "next_attempt": _day(data["next_payment_attempt"]) if data.get("next_payment_attempt") else "",
        "hosted": data.get("hosted_invoice_url") or "",
        "path": f"/app/billing/invoices/{data['id']}/",
    }


def _day(timestamp: int) -> str:
    return date_of(datetime.fromtimestamp(timestamp, tz=UTC))
