"""Webhook endpoints at Stripe: whether ours is there, enabled, and told of everything that is read."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from djstripe.signals import WEBHOOK_SIGNALS

from billing.stripe_billing.client import client, translate_stripe_errors

PATH = "/webhooks/stripe"
ALL = "*"
# The families of events that pages and bills are read from. The README names the same.
FAMILIES = (
    *("customer.", "payment_method.", "checkout.session.", "invoice.", "product.", "price.", "coupon."),
    *("promotion_code.", "credit_note.", "refund.", "charge.dispute.", "billing.credit_grant."),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as Stripe tells it. `missing` are the events that it should be told of and is not."""

    stripe_id: str
    enabled: bool
    missing: tuple[str, ...]


def our_url() -> str:
    """Return the address that Stripe should call."""
    return f"{settings.PUBLIC_URL}{PATH}"


def events_read() -> list[str]:
    """Return the names of all events that should come."""
    return sorted(name for name in WEBHOOK_SIGNALS if name.startswith(FAMILIES))


def our_endpoint() -> Endpoint | None:
    """Return the endpoint with our address; None where there is none. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        for found in client().v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter():
            if found.url == our_url():
                told = set(found.enabled_events)
                missing = () if ALL in told else tuple(name for name in events_read() if name not in told)
                return Endpoint(found.id, enabled=found.status == "enabled", missing=missing)
    return None


def make_endpoint() -> str:
    """Make our endpoint, and return its signing secret, which Stripe tells this once.

    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        made = client().v1.webhook_endpoints.create({"url": our_url(), "enabled_events": _as_the_sdk_types_them()})
    return made.secret or ""


def mend_endpoint(endpoint: Endpoint) -> None:
    """Enable an endpoint, and have it told of every event that is read. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        client().v1.webhook_endpoints.update(
            endpoint.stripe_id, {"disabled": False, "enabled_events": _as_the_sdk_types_them()}
        )


def _as_the_sdk_types_them() -> Any:
    """Return the events that are read. The SDK's type is a list of literals, of which ours are some."""
    return events_read()
