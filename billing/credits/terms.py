"""The terms of coming invoices, remembered for the running bill and brought up to date by the worker."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F
from django.utils import timezone

from billing.credits.balance import refresh_balance
from billing.credits.discounts import Discount, read_discount
from billing.credits.taxes import Tax, read_tax
from billing.models import BillingAccount, InvoiceTerms, Redemption
from billing.stripe_billing import invoice_terms as stripe_terms
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from common import clock

logger = logging.getLogger(__name__)

BATCH = 100


def discounts_of(account: BillingAccount) -> list[Discount]:
    """Return the discounts of an account's subscription as they are kept now, in Stripe's order of taking them off."""
    return _readable(_kept_discounts(account), account=account)


def discount_ids_of(account: BillingAccount) -> list[str]:
    """Return the ids of all discounts of an account's subscription, those too that the bill cannot show."""
    return [data["id"] for data in _kept_discounts(account)]


def promotion_ids_of(account: BillingAccount) -> list[str]:
    """Return the ids of the promotion codes that made them."""
    return [data["promotion"] for data in _kept_discounts(account) if data.get("promotion")]


def _kept_discounts(account: BillingAccount) -> list[dict[str, Any]]:
    kept = InvoiceTerms.objects.filter(organization_id=account.organization_id).values_list("discounts", flat=True)
    return list(kept.first() or [])


def kept_terms(account: BillingAccount) -> tuple[list[Discount], list[Tax]]:
    """Return the discounts, in that order, and the taxes of an account's next invoice.

    They come from the row that was read with the account's organization; else by a query.
    """
    kept: InvoiceTerms | None = getattr(account.organization, "invoice_terms", None)
    if kept is None:
        return [], []
    return _readable(kept.discounts, account=account), [read_tax(data) for data in kept.taxes]


def _readable(kept: Iterable[Mapping[str, Any]], *, account: BillingAccount) -> list[Discount]:
    found = (read_discount(data, currency=account.plan.currency) for data in kept)
    return [discount for discount in found if discount is not None]


def note_subscription(account: BillingAccount, *, data: Mapping[str, Any]) -> None:
    """Have the terms asked for again where a subscription, as Stripe tells it, has others than are kept."""
    told = [each if isinstance(each, str) else each["id"] for each in data.get("discounts") or []]
    kept = InvoiceTerms.objects.filter(organization_id=account.organization_id).first()
    taxed = bool((data.get("automatic_tax") or {}).get("enabled"))
    if [each["id"] for each in (kept.discounts if kept else [])] != told or taxed != bool(kept and kept.taxes):
        mark_stale(organization_id=account.organization_id)


def mark_stale(*, organization_id: int) -> None:
    """Have the worker ask Stripe for an organization's terms, once more where it is asking just now."""
    InvoiceTerms.objects.get_or_create(organization_id=organization_id)
    rows = InvoiceTerms.objects.filter(organization_id=organization_id)
    rows.update(stale=True, version=F("version") + 1)


def mark_stale_of(*, customer_id: str) -> None:
    """Do so for the organization of a customer at Stripe, if it is one of ours."""
    account = BillingAccount.objects.filter(stripe_customer_id=customer_id).first() if customer_id else None
    if account is not None:
        mark_stale(organization_id=account.organization_id)


def refresh_stale() -> int:
    """Ask Stripe for the terms that may have changed; return how many were told."""
    told = 0
    for terms in InvoiceTerms.objects.filter(stale=True).order_by("id")[:BATCH]:
        account = BillingAccount.objects.select_related("plan").get(organization_id=terms.organization_id)
        try:
            refresh_terms(account)
        except StripeUnavailable as error:
            logger.warning("Stripe did not tell the terms of an invoice", extra={"error": str(error)})
            break
        except StripeRejected as error:
            logger.error("Stripe refused to tell terms", extra={"account": account.id, "error": str(error)})
            InvoiceTerms.objects.filter(id=terms.id, version=terms.version).update(stale=False)
        else:
            told += 1
    return told


def refresh_terms(account: BillingAccount) -> None:
    """Ask Stripe for credits and for the terms of the next invoice. Raises StripeUnavailable, StripeRejected.

    A change that is told of meanwhile may have come too late for the answer: then the terms stay stale.
    """
    terms, _ = InvoiceTerms.objects.get_or_create(organization_id=account.organization_id)
    subscription_id = account.stripe_subscription_id
    if account.stripe_customer_id:
        refresh_balance(account, now=clock.now())
    discounts = stripe_terms.discounts_of(subscription_id=subscription_id) if subscription_id else []
    taxes = stripe_terms.taxes_of(subscription_id=subscription_id) if subscription_id else []
    rows = InvoiceTerms.objects.filter(id=terms.id)
    rows.update(discounts=discounts, taxes=taxes, told_at=timezone.now())
    rows.filter(version=terms.version).update(stale=False)
    _note_redemptions(account)


def _note_redemptions(account: BillingAccount) -> None:
    """Remember the codes that were redeemed elsewhere, at Stripe's checkout or by staff: they are redeemed once too."""
    redeemed = (
        Redemption(organization_id=account.organization_id, stripe_promotion_id=each, state=Redemption.State.REDEEMED)
        for each in promotion_ids_of(account)
    )
    Redemption.objects.bulk_create(redeemed, ignore_conflicts=True)
