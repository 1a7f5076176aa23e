"""Invoices held as drafts until Stripe has all usage they bill.

Usage that reaches Stripe after its invoice was finalized is on no invoice
(docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period). So the draft that ends a period is held when
Stripe tells of it, and finalized once the usage of that period is posted, sent, and visible in Stripe's meters.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from billing.bills.memo import memo_of
from billing.bills.usage_at_stripe import missing_usage
from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.models import BillingAccount, Discrepancy, InvoiceHold
from billing.stripe_billing import drafts
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

# A request of the period's last second may be settled, and its usage sent, this much later.
SETTLING_TIME = timedelta(minutes=10)
# Stripe itself finalizes after an hour. A draft that is held for longer is put before an operator.
SHOWN_AFTER = timedelta(hours=1)
# Without a 2xx for `invoice.created` Stripe finalizes after 72 hours, so an older draft is nobody's to hold.
LOST_EVENTS_SOUGHT_FOR = timedelta(hours=72)


def hold_draft(data: Mapping[str, Any]) -> bool:
    """Hold an invoice, as Stripe tells it, that is a subscription's draft of ours. May be called any number of times.

    Returns whether it is held now. Raises StripeUnavailable, StripeRejected.
    """
    account = BillingAccount.objects.filter(stripe_customer_id=data["customer"]).first() if data["customer"] else None
    if account is None or not (drafts.advances(dict(data)) or drafts.is_held(dict(data))):
        return False
    # The row comes first: a hold that nobody remembers would never be released.
    hold, _ = InvoiceHold.objects.get_or_create(
        stripe_invoice_id=data["id"],
        defaults={
            "organization_id": account.organization_id,
            "period_starts_at": datetime.fromtimestamp(data["period_start"], tz=UTC),
            "period_ends_at": datetime.fromtimestamp(data["period_end"], tz=UTC),
        },
    )
    return hold.released_at is None and _place(hold)


def _place(hold: InvoiceHold) -> bool:
    if hold.placed_at is not None:
        return True
    placed = drafts.hold_draft(invoice_id=hold.stripe_invoice_id)
    rows = InvoiceHold.objects.filter(id=hold.id, placed_at__isnull=True)
    if placed:
        rows.update(placed_at=timezone.now())
    else:
        rows.delete()
    return placed


def hold_forgotten_drafts(*, now: datetime) -> int:
    """Hold the drafts of which no event told, and return how many there were. `now` is billing time."""
    known = set(_open_holds().values_list("stripe_invoice_id", flat=True))
    held = 0
    for data in drafts.drafts_since(now - LOST_EVENTS_SOUGHT_FOR):
        if data["id"] not in known:
            held += hold_draft(data)
    return held


def release_ready(*, now: datetime) -> list[int]:
    """Finalize the held drafts whose usage Stripe has, and return their organizations. `now` is billing time."""
    released = []
    for hold in _open_holds().order_by("id").iterator():
        try:
            if _release_if_ready(hold, now=now):
                released.append(hold.organization_id)
        except StripeUnavailable as error:
            logger.warning("Stripe is unavailable; held invoices wait", extra={"error": str(error)})
            break
        except StripeRejected as error:
            _note_waiting(hold, f"Stripe refuses: {error}", now=now)
    return released


def release(hold: InvoiceHold) -> None:
    """Finalize a held draft, whatever is missing. Raises StripeUnavailable, StripeRejected."""
    _write_memo(hold)
    drafts.finalize_draft(invoice_id=hold.stripe_invoice_id)
    InvoiceHold.objects.filter(id=hold.id, released_at__isnull=True).update(released_at=timezone.now(), waits_for="")
    resolve_discrepancy(
        organization_id=hold.organization_id, kind=Discrepancy.Kind.INVOICE_HELD, subject=hold.stripe_invoice_id
    )


def _write_memo(hold: InvoiceHold) -> None:
    """Put the usage by model and class on an invoice by spend, whose line does not tell. It is worth no delay."""
    memo = memo_of(organization_id=hold.organization_id, starts_at=hold.period_starts_at, ends_at=hold.period_ends_at)
    if not memo:
        return
    try:
        drafts.note_memo(invoice_id=hold.stripe_invoice_id, memo=memo)
    except StripeRejected as error:
        logger.warning("an invoice goes without memo", extra={"id": hold.stripe_invoice_id, "error": str(error)})


def _open_holds() -> QuerySet[InvoiceHold]:
    return InvoiceHold.objects.filter(released_at__isnull=True)


def _release_if_ready(hold: InvoiceHold, *, now: datetime) -> bool:
    if now < hold.period_ends_at + SETTLING_TIME:
        return False
    waits_for = missing_usage(
        organization_id=hold.organization_id, starts_at=hold.period_starts_at, ends_at=hold.period_ends_at
    )
    if waits_for:
        _note_waiting(hold, waits_for, now=now)
        return False
    release(hold)
    return True


def _note_waiting(hold: InvoiceHold, reason: str, *, now: datetime) -> None:
    if reason != hold.waits_for:
        InvoiceHold.objects.filter(id=hold.id).update(waits_for=reason[:500])
    if now >= hold.period_ends_at + SHOWN_AFTER:
        open_discrepancy(
            organization_id=hold.organization_id,
            kind=Discrepancy.Kind.INVOICE_HELD,
            subject=hold.stripe_invoice_id,
            period_starts_at=hold.period_starts_at,
            detail=reason,
        )
