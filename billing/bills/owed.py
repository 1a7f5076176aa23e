"""Payments that failed: how much is owed, since when, and whether calls are refused for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from billing.bills.invoices import InvoiceSummary, open_invoices_of
from billing.models import BillingAccount
from billing.money import format_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The open invoices whose payment failed, as one notice."""

    total: str
    text: str
    tone: str
    is_suspended: bool


def owed_by(account: BillingAccount, *, open_invoices: Iterable[InvoiceSummary] | None = None) -> Owed | None:
    """Return what an account owes on invoices that Stripe could not collect; None where there is no such invoice.

    The account's open invoices are read unless they are given.
    """
    if open_invoices is None:
        open_invoices = open_invoices_of(customer_id=account.stripe_customer_id)
    invoices = [each for each in open_invoices if each.attempted and each.unpaid_minor > 0]
    if not invoices:
        return None
    total = format_cents(sum(invoice.unpaid_minor for invoice in invoices))
    suspended = account.status == BillingAccount.Status.SUSPENDED
    return Owed(
        total=total,
        text=f"{_failed(invoices, total=total)} {_consequence(account)}",
        tone="bad" if suspended else "warn",
        is_suspended=suspended,
    )


def _failed(invoices: list[InvoiceSummary], *, total: str) -> str:
    if len(invoices) == 1:
        return f"The payment of {total} for invoice {invoices[0].number} failed."
    return f"The payments of {len(invoices)} invoices failed, {total} together."


def _consequence(account: BillingAccount) -> str:
    if account.status == BillingAccount.Status.SUSPENDED:
        return "Calls are refused until it is paid."
    if account.status == BillingAccount.Status.PAST_DUE:
        return "Calls go on while our payment provider tries again."
    return "The subscription has ended, and the amount is still owed."
