"""dj-stripe's copies of the objects that an account has at Stripe, read in one query. Stripe is never asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from djstripe.models import Customer, Subscription, TaxId

from billing.models import BillingAccount

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeCopies:
    """An account's objects as Stripe last told them (`stripe_data`): empty where it has none, or it was not synced.

    `tax_id` is the newest of the customer's.
    """

    customer: Data
    subscription: Data
    tax_id: Data


def with_copies(accounts: QuerySet[BillingAccount]) -> QuerySet[BillingAccount]:
    """Have accounts read with the copies of their objects, which `copies_of` then returns without a query."""
    customer, subscription = OuterRef("stripe_customer_id"), OuterRef("stripe_subscription_id")
    tax_ids = TaxId.objects.filter(customer__id=customer).order_by("-djstripe_id")
    return accounts.annotate(
        copied_customer=_data(Customer.objects.filter(id=customer)),
        copied_subscription=_data(Subscription.objects.filter(id=subscription)),
        copied_tax_id=_data(tax_ids),
    )


def copies_of(account: BillingAccount) -> StripeCopies:
    """Return the copies for the ids that an account has: those that were read along with it, or else those of now."""
    if not hasattr(account, "copied_customer"):
        account = with_copies(BillingAccount.objects.all()).get(id=account.id)
    data = (account.copied_customer, account.copied_subscription, account.copied_tax_id)  # type: ignore[attr-defined]
    customer, subscription, tax_id = (each or {} for each in data)
    return StripeCopies(customer=customer, subscription=subscription, tax_id=tax_id)


def _data(rows: QuerySet[Any]) -> Subquery:
    return Subquery(rows.values("stripe_data")[:1])
