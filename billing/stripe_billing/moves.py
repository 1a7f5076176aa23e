"""Taking a subscription to other prices without an invoice of its own: what the change costs is on the next one.

Each call looks at the subscription first and changes what differs, so that it may be repeated.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import stripe

from billing.stripe_billing.client import client, translate_stripe_errors


def change_base(
    *, subscription_id: str, old_price_ids: Collection[str], price_id: str, prorated_from: datetime | None
) -> None:
    """Change the base price: from the next period on, or from an instant of this one, which Stripe prorates.

    Raises StripeUnavailable, StripeRejected.
    """
    terms: dict[str, Any] = {"proration_behavior": "none"}
    if prorated_from is not None:
        terms = {"proration_behavior": "create_prorations", "proration_date": int(prorated_from.timestamp())}
    with translate_stripe_errors():
        old = [item for item in _items(subscription_id, old_price_ids) if not _is_metered(item) and price_id]
        changes = [{"id": item.id, "price": price_id} for item in old if item.price.id != price_id]
        _update(subscription_id, changes, terms)


def change_metered(
    *, subscription_id: str, old_price_ids: Collection[str], price_ids: Collection[str], metadata: Mapping[str, str]
) -> None:
    """Remove the metered items whose price is not among the new ones, and add those that are missing.

    The metadata names the version, which alone tells it by spend.

    Stripe makes an invoice item of the usage that a removed item has, at its price; with `none` it would be dropped
    (docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup). Items of the same price stay as they are.
    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        old = [item for item in _items(subscription_id, old_price_ids) if _is_metered(item)]
        present = {item.price.id for item in old}
        changes: list[dict[str, Any]] = [
            {"id": item.id, "deleted": True} for item in old if item.price.id not in price_ids
        ]
        changes += [{"price": price_id} for price_id in price_ids if price_id not in present]
        params: Any = {"items": changes, "proration_behavior": "create_prorations"} if changes else {}
        params["metadata"] = metadata
        client().v1.subscriptions.update(subscription_id, params)


def base_prorations(*, customer_id: str, price_ids: Collection[str], since: datetime) -> list[dict[str, Any]]:
    """Return the pending invoice items that prorate these base prices, as `{id, description, amount}` in cents.

    Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "customer": customer_id,
        "pending": True,
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
    }
    with translate_stripe_errors():
        items = [item.to_dict() for item in client().v1.invoice_items.list(params).auto_paging_iter()]
    prorations = [item for item in reversed(items) if item["proration"] and _price_of(item) in price_ids]
    return [{key: item[key] for key in ("id", "description", "amount")} for item in prorations]


def _items(subscription_id: str, price_ids: Collection[str]) -> list[stripe.SubscriptionItem]:
    """Return the items that have one of the prices: an operator may have added others."""
    items = client().v1.subscriptions.retrieve(subscription_id)["items"].data
    return [item for item in items if item.price.id in price_ids]


def _is_metered(item: stripe.SubscriptionItem) -> bool:
    return item.price.recurring is not None and item.price.recurring.usage_type == "metered"


def _update(subscription_id: str, changes: list[dict[str, Any]], terms: dict[str, Any]) -> None:
    params: Any = {"items": changes, **terms}
    if changes:
        client().v1.subscriptions.update(subscription_id, params)


def _price_of(item: dict[str, Any]) -> str:
    return str(((item.get("pricing") or {}).get("price_details") or {}).get("price") or "")
