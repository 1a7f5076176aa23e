"""The terms of coming invoices, remembered for the running bill and brought up to date by the worker."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.credits.balance import keep_balance
from billing.credits.discounts import Discount, read_discount
from billing.credits.taxes import Tax, read_tax
from billing.models import BillingAccount, InvoiceTerms, Redemption
from billing.stripe_billing import credits as stripe_credits
from billing.stripe_billing import invoice_terms as stripe_terms
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from common import clock

logger = logging.getLogger(__name__)

BATCH = 100

# A discount as `billing.stripe_billing.invoice_terms` tells it.
ToldDiscount = dict[str, Any]


def promotion_ids_in(discounts: Iterable[ToldDiscount]) -> list[str]:
    """Return the ids of the promotion codes that made discounts, as Stripe told them."""
    return [data["promotion"] for data in discounts if data.get("promotion")]


def kept_terms(account: BillingAccount) -> tuple[list[Discount], list[Tax]]:
    """Return the discounts, in that order, and the taxes of an account's next invoice.

    They come from the row that was read with the account's organization; else by a query.
    """
    kept: InvoiceTerms | None = getattr(account.organization, "invoice_terms", None)
    if kept is None:
        return [], []
    return readable_discounts(kept.discounts, account=account), [read_tax(data) for data in kept.taxes]


def readable_discounts(kept: Iterable[ToldDiscount], *, account: BillingAccount) -> list[Discount]:
    """Return those discounts of an account that its bill can show, in their order."""
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
        version = _begin_asking(account)
        try:
            _refresh(account, version=version)
        except StripeUnavailable as error:
            logger.warning("Stripe did not tell the terms of an invoice", extra={"error": str(error)})
            break
        except StripeRejected as error:
            logger.error("Stripe refused to tell terms", extra={"account": account.id, "error": str(error)})
            InvoiceTerms.objects.filter(id=terms.id, version=version).update(stale=False)
        else:
            told += 1
    return told


def refresh_terms(account: BillingAccount) -> list[ToldDiscount]:
    """Ask Stripe for credits and for the terms of the next invoice, keep them, and return the discounts as told.

    Of several at once, the answer to the one that began last is kept and no other: an older one never overwrites a
    newer one. An answer for which a change that is told of meanwhile may have come too late is not kept either, and the
    terms stay stale. Raises StripeUnavailable, StripeRejected.
    """
    return _refresh(account, version=_begin_asking(account))


@transaction.atomic
def _begin_asking(account: BillingAccount) -> int:
    """Return the version of the terms that nobody but this asker has; until the answer is kept they are stale."""
    mark_stale(organization_id=account.organization_id)
    return InvoiceTerms.objects.values_list("version", flat=True).get(organization_id=account.organization_id)


def _refresh(account: BillingAccount, *, version: int) -> list[ToldDiscount]:
    subscription_id, customer_id = account.stripe_subscription_id, account.stripe_customer_id
    grants = stripe_credits.grants_of(customer_id=customer_id, now=clock.now()) if customer_id else []
    discounts = stripe_terms.discounts_of(subscription_id=subscription_id) if subscription_id else []
    taxes = stripe_terms.taxes_of(subscription_id=subscription_id) if subscription_id else []
    with transaction.atomic():
        # The account first, as where a subscription is applied, so that the two never wait for each other.
        BillingAccount.objects.select_for_update().filter(id=account.id).values_list("id").first()
        asked = InvoiceTerms.objects.filter(organization_id=account.organization_id, version=version)
        if asked.update(discounts=discounts, taxes=taxes, told_at=timezone.now(), stale=False) and customer_id:
            keep_balance(account, grants)
    _note_redemptions(account, discounts)
    return discounts


def _note_redemptions(account: BillingAccount, discounts: Iterable[ToldDiscount]) -> None:
    """Remember the codes that were redeemed elsewhere, at Stripe's checkout or by staff: they are redeemed once too."""
    redeemed = (
        Redemption(organization_id=account.organization_id, stripe_promotion_id=each, state=Redemption.State.REDEEMED)
        for each in promotion_ids_in(discounts)
    )
    Redemption.objects.bulk_create(redeemed, ignore_conflicts=True)
