"""The gateway to Stripe: the only module that imports its SDK.

Every call has a timeout and ends in one of three ways: an answer; StripeUnavailable, where the same call with the
same identifier may be tried again; StripeRejected, where trying again is of no use. dj-stripe's own calls to Stripe
are made here too, so that their errors are told apart in the same way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import stripe
from django.conf import settings
from djstripe import models as djstripe

from accounts.models import Organization

MAX_NETWORK_RETRIES = 2
# dj-stripe calls through the SDK's own client, whose 80 s would keep a webhook's transaction open for as long.
stripe.default_http_client = stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_S)
DUPLICATE_IDENTIFIER = "An event already exists with identifier"


class StripeUnavailable(Exception):
    """Stripe did not take the call this time: no connection, time-out, rate limit, server error, or a wrong key."""


class StripeRejected(Exception):
    """Stripe refuses the call for good. `code` is Stripe's error code, where it gave one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class PaymentDeclined(StripeRejected):
    """The customer's card was declined, or needs the customer. The message is Stripe's, for the customer."""


@contextmanager
def _told_apart() -> Iterator[None]:
    """Turn the SDK's errors into the gateway's two kinds.

    A refused key counts as unavailable: an operator mends it, and until then nothing may be given up.
    """
    try:
        yield
    except stripe.CardError as error:
        raise PaymentDeclined(error.user_message or str(error), code=error.code or "") from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
        raise StripeRejected(error.user_message or str(error), code=error.code or "") from error
    except stripe.StripeError as error:
        raise StripeUnavailable(f"{type(error).__name__}: {error.user_message or error}") from error


@lru_cache(maxsize=4)
def _client_for(key: str, api_base: str, meter_events_base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": api_base, "meter_events": meter_events_base},
        http_client=stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_S),
        max_network_retries=MAX_NETWORK_RETRIES,
    )


def _client() -> stripe.StripeClient:
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_METER_EVENTS_BASE)


# --- Usage ------------------------------------------------------------------------------------------------


def send_meter_event(*, event_name: str, customer_id: str, value: int, identifier: str, occurred_at: datetime) -> None:
    """Send tokens to a meter under an identifier that Stripe counts once. A duplicate refused is a success.

    The identifier serves as idempotency key as well, since the SDK would make a new one for every retry.
    Raises StripeUnavailable, StripeRejected.
    """
    try:
        with _told_apart():
            _client().v1.billing.meter_events.create(
                {
                    "event_name": event_name,
                    "payload": {"stripe_customer_id": customer_id, "value": str(value)},
                    "identifier": identifier,
                    "timestamp": int(occurred_at.timestamp()),
                },
                {"idempotency_key": identifier, "max_network_retries": 0},
            )
    except StripeRejected as error:
        if DUPLICATE_IDENTIFIER not in str(error):
            raise


def meter_total(*, meter_id: str, customer_id: str, starts_at: datetime, ends_at: datetime) -> int:
    """Return what a meter holds of a customer between two whole minutes, in tokens. Eventually consistent.

    Raises StripeUnavailable, StripeRejected.
    """
    with _told_apart():
        summaries = _client().v1.billing.meters.event_summaries.list(
            meter_id,
            {"customer": customer_id, "start_time": int(starts_at.timestamp()), "end_time": int(ends_at.timestamp())},
        )
        return sum(int(summary.aggregated_value) for summary in summaries.auto_paging_iter())


# --- Plans ------------------------------------------------------------------------------------------------


def ensure_product(*, product_id: str, name: str) -> bool:
    """Create a product, or bring its name up to date. Returns whether anything changed."""
    with _told_apart():
        try:
            product = _client().v1.products.retrieve(product_id)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            _client().v1.products.create({"id": product_id, "name": name})
            return True
        if product.name == name and product.active:
            return False
        _client().v1.products.update(product_id, {"name": name, "active": True})
        return True


def meters_by_event_name() -> dict[str, str]:
    """Return the id of every active meter by its event name."""
    with _told_apart():
        meters = _client().v1.billing.meters.list({"status": "active", "limit": 100})
        return {meter.event_name: meter.id for meter in meters.auto_paging_iter()}


def create_meter(*, event_name: str, display_name: str) -> str:
    """Create a meter that sums what customers use, and return its id."""
    with _told_apart():
        return (
            _client()
            .v1.billing.meters.create(
                {
                    "event_name": event_name,
                    "display_name": display_name,
                    "default_aggregation": {"formula": "sum"},
                    "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                    "value_settings": {"event_payload_key": "value"},
                }
            )
            .id
        )


def find_price(*, lookup_key: str) -> dict[str, Any] | None:
    """Return the active price of a lookup key as `{id, product, currency, unit_amount_decimal, meter}`, or None."""
    with _told_apart():
        prices = _client().v1.prices.list({"lookup_keys": [lookup_key], "active": True}).data
    if not prices:
        return None
    price = prices[0]
    return {
        "id": price.id,
        "product": price.product if isinstance(price.product, str) else price.product.id,
        "currency": price.currency,
        "unit_amount_decimal": Decimal(str(price.unit_amount_decimal)),
        "meter": price.recurring.meter if price.recurring else None,
    }


def create_price(
    *,
    product_id: str,
    currency: str,
    unit_amount_decimal: Decimal,
    lookup_key: str,
    nickname: str,
    meter_id: str | None,
) -> str:
    """Create a monthly price, metered where it has a meter, and move the lookup key to it. Returns its id.

    `unit_amount_decimal` is in cents, with at most 12 decimals.
    """
    recurring: dict[str, Any] = {"interval": "month"}
    if meter_id:
        recurring |= {"usage_type": "metered", "meter": meter_id}
    with _told_apart():
        return (
            _client()
            .v1.prices.create(
                {
                    "product": product_id,
                    "currency": currency,
                    "unit_amount_decimal": f"{unit_amount_decimal:f}",  # type: ignore[typeddict-item]
                    "recurring": recurring,  # type: ignore[typeddict-item]
                    "lookup_key": lookup_key,
                    "transfer_lookup_key": True,
                    "nickname": nickname,
                }
            )
            .id
        )


# --- Customers and subscriptions --------------------------------------------------------------------------


def ensure_customer(*, organization: Organization) -> str:
    """Return the id of the organization's Stripe customer, created when there is none."""
    with _told_apart():
        customer, _ = djstripe.Customer.get_or_create(subscriber=organization)
    return str(customer.id)


def change_customer(*, customer_id: str, name: str, email: str) -> None:
    """Change what Stripe calls a customer, and where it sends receipts."""
    with _told_apart():
        _client().v1.customers.update(customer_id, {"name": name, "email": email})


def subscription_items(*, base_price_id: str, metered_price_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return a subscription's items: one base, and the metered prices, which take no quantity."""
    return [{"price": base_price_id, "quantity": 1}, *({"price": price_id} for price_id in metered_price_ids)]


def create_checkout_session(
    *, customer_id: str, items: list[dict[str, Any]], success_url: str, cancel_url: str, organization_id: int
) -> tuple[str, str]:
    """Open a Checkout session for a subscription; return its id and the address of its page."""
    params: Any = {
        "mode": "subscription",
        "customer": customer_id,
        "client_reference_id": str(organization_id),
        "line_items": items,
        "success_url": success_url,
        "cancel_url": cancel_url,
        "subscription_data": {"billing_mode": {"type": "flexible"}},
    }
    with _told_apart():
        session = _client().v1.checkout.sessions.create(params)
    return session.id, str(session.url)


def expire_checkout_session(*, session_id: str) -> bool:
    """Close a Checkout session's page. Returns False where it is too late: the session has been paid."""
    with _told_apart():
        sessions = _client().v1.checkout.sessions
        if sessions.retrieve(session_id).status == "open":
            # It may be paid, or run out, in this very moment: then its status tells.
            with suppress(stripe.InvalidRequestError):
                sessions.expire(session_id)
        return sessions.retrieve(session_id).status != "complete"


def checkout_subscription(*, session_id: str, customer_id: str) -> str:
    """Return the subscription a Checkout session made; empty while it has none, or where it is another customer's."""
    with _told_apart():
        session = _client().v1.checkout.sessions.retrieve(session_id)
    if session.customer != customer_id or not session.subscription:
        return ""
    return session.subscription if isinstance(session.subscription, str) else session.subscription.id


def subscribe_with_test_card(*, customer_id: str, items: list[dict[str, Any]]) -> str:
    """Give a customer Stripe's test card 4242 and an active subscription; return the subscription's id."""
    params: Any = {
        "customer": customer_id,
        "items": items,
        "billing_mode": {"type": "flexible"},
        "payment_behavior": "error_if_incomplete",
    }
    with _told_apart():
        client = _client()
        card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer_id})
        client.v1.customers.update(customer_id, {"invoice_settings": {"default_payment_method": card.id}})
        return client.v1.subscriptions.create(params).id


def create_incomplete_subscription(
    *, customer_id: str, items: list[dict[str, Any]], idempotency_key: str
) -> tuple[str, str]:
    """Make a subscription that begins when the customer's browser pays its first invoice; the card is kept for the
    next ones. Returns its id and the client secret that the browser pays with, empty where nothing is to be paid.
    """
    params: Any = {
        "customer": customer_id,
        "items": items,
        "billing_mode": {"type": "flexible"},
        "payment_behavior": "default_incomplete",
        "payment_settings": {"save_default_payment_method": "on_subscription"},
        "expand": ["latest_invoice.confirmation_secret"],
    }
    with _told_apart():
        subscription = _client().v1.subscriptions.create(params, {"idempotency_key": idempotency_key})
    return subscription.id, _client_secret(subscription)


def newest_subscription(*, customer_id: str) -> tuple[str, str]:
    """Return the id and status of a customer's newest subscription, whatever became of it; empty where none was."""
    with _told_apart():
        found = _client().v1.subscriptions.list({"customer": customer_id, "status": "all", "limit": 1}).data
    return (found[0].id, found[0].status) if found else ("", "")


def incomplete_subscription(*, subscription_id: str) -> tuple[list[str], str]:
    """Return the ids of a subscription's prices, and the client secret that its first invoice is paid with."""
    with _told_apart():
        subscription = _client().v1.subscriptions.retrieve(
            subscription_id, {"expand": ["latest_invoice.confirmation_secret"]}
        )
    return [item.price.id for item in subscription["items"].data], _client_secret(subscription)


def _client_secret(subscription: stripe.Subscription) -> str:
    invoice = subscription.latest_invoice
    secret = invoice.confirmation_secret if isinstance(invoice, stripe.Invoice) else None
    return secret.client_secret if secret else ""


def cancel_subscription(*, subscription_id: str, invoice_now: bool) -> None:
    """Cancel at once. Usage not yet billed is billed with `invoice_now` alone
    (docs.stripe.com/api/subscriptions/cancel)."""
    with _told_apart():
        _client().v1.subscriptions.cancel(subscription_id, {"invoice_now": invoice_now, "prorate": False})


def cancel_at_period_end(*, subscription_id: str, wanted: bool) -> None:
    """Have a subscription end with its period, or take that back."""
    with _told_apart():
        _client().v1.subscriptions.update(subscription_id, {"cancel_at_period_end": wanted})


def item_changes(*, subscription_id: str, base_price_id: str, metered_price_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what turns the items of a subscription into those of another plan.

    The base changes its price, which prorates it. Metered items go and others come: flexible billing bills the usage
    of those that go (docs.stripe.com/billing/subscriptions/usage-based/manage-billing-setup).
    """
    with _told_apart():
        items = _client().v1.subscriptions.retrieve(subscription_id)["items"].data
    changes: list[dict[str, Any]] = [{"price": price_id} for price_id in metered_price_ids]
    for item in items:
        metered = item.price.recurring is not None and item.price.recurring.usage_type == "metered"
        changes.append({"id": item.id, "deleted": True} if metered else {"id": item.id, "price": base_price_id})
    return changes


def change_items(*, subscription_id: str, changes: list[dict[str, Any]], at: datetime) -> None:
    """Change a subscription's items, counting from `at`, and collect what that comes to; declined, nothing changes.

    Raises PaymentDeclined, StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "items": changes,
        "proration_behavior": "always_invoice",
        "proration_date": int(at.timestamp()),
        "payment_behavior": "error_if_incomplete",
    }
    with _told_apart():
        _client().v1.subscriptions.update(subscription_id, params)


def preview_items(*, subscription_id: str, changes: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    """Return the invoice that `change_items` would make, as Stripe tells it. Nothing changes."""
    params: Any = {
        "subscription": subscription_id,
        "subscription_details": {
            "items": changes,
            "proration_behavior": "always_invoice",
            "proration_date": int(at.timestamp()),
        },
    }
    with _told_apart():
        return dict(_client().v1.invoices.create_preview(params).to_dict())


def sync_subscription(*, subscription_id: str) -> djstripe.Subscription:
    """Fetch a subscription and store it as dj-stripe does from a webhook."""
    with _told_apart():
        subscription = _client().v1.subscriptions.retrieve(subscription_id)
        return cast(djstripe.Subscription, djstripe.Subscription.sync_from_stripe_data(subscription))


def sync_invoices(*, customer_id: str, limit: int = 10) -> int:
    """Fetch a customer's newest invoices and store them as dj-stripe does. Returns how many there were."""
    with _told_apart():
        invoices = _client().v1.invoices.list({"customer": customer_id, "limit": limit}).data
        for invoice in reversed(invoices):  # oldest first: of those made in one second the rows tell the order
            djstripe.Invoice.sync_from_stripe_data(invoice)
    return len(invoices)


def latest_subscription(*, customer_id: str) -> str:
    """Return the id of a customer's newest subscription that has not ended, or an empty text."""
    with _told_apart():
        subscriptions = _client().v1.subscriptions.list({"customer": customer_id, "limit": 1}).data
    return subscriptions[0].id if subscriptions else ""


def is_there() -> bool:
    """Tell whether Stripe answers at the moment. Asks once; a server that hangs is given STRIPE_TIMEOUT_S."""
    try:
        with _told_apart():
            _client().v1.events.list({"limit": 1}, {"max_network_retries": 0})
    except StripeUnavailable:
        return False
    except StripeRejected:  # it may refuse that key this question, but it is there
        return True
    return True


def account_id() -> str:
    """Return the id of the Stripe account that the key opens."""
    with _told_apart():
        return _client().v1.accounts.retrieve_current().id
