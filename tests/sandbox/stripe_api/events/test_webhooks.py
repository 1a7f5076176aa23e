"""Events and their delivery."""

from __future__ import annotations

import json
import time

import pytest
import stripe

from tests.sandbox.conftest import Receiver
from tests.sandbox.running import Running
from tests.sandbox.shop import Shop


@pytest.fixture
def endpoint(stripe: stripe.StripeClient, receiver: Receiver) -> stripe.WebhookEndpoint:
    return stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})


def test_event_arrives_signed_within_a_second(
    stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
):
    product = stripe.v1.products.create({"name": "x"})

    receiver.wait_for("product.created", timeout_s=1)

    signature, body = receiver.received[0]
    event = stripe.construct_event(body, signature, str(endpoint.secret))
    assert event.data.object["id"] == product.id


def test_signature_carries_wall_time_when_the_clock_is_moved(
    sandbox: Running, stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
):
    sandbox.advance("2 months")
    stripe.v1.products.create({"name": "x"})
    receiver.wait_for("product.created")

    signed_at = int(receiver.received[0][0].split(",")[0].removeprefix("t="))

    assert signed_at == pytest.approx(time.time(), abs=5)


def test_events_arrive_in_order(shop: Shop, receiver: Receiver):
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})

    shop.pay(shop.session())

    receiver.wait_for("checkout.session.completed")
    events = [json.loads(body) for _, body in receiver.received]
    assert receiver.types()[0] == "customer.created"
    assert [event["created"] for event in events] == sorted(event["created"] for event in events)


def test_a_failed_delivery_is_tried_again(
    stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
):
    receiver.statuses[:] = [500, 503]

    stripe.v1.products.create({"name": "x"})

    deadline = time.monotonic() + 8
    while len(receiver.received) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert receiver.types() == ["product.created"] * 3


def test_a_receiver_that_is_down_breaks_nothing(sandbox: Running, stripe: stripe.StripeClient):
    stripe.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/webhook", "enabled_events": ["*"]})

    stripe.v1.products.create({"name": "x"})

    assert len(stripe.v1.products.list().data) == 1
    assert sandbox.control("GET", "/health")["webhooks_pending"] == 1


def test_an_endpoint_hears_what_it_asked_for_alone(stripe: stripe.StripeClient, receiver: Receiver):
    stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})

    stripe.v1.products.create({"name": "x"})
    stripe.v1.customers.create({"email": "a@example.com"})

    receiver.wait_for("customer.created")
    assert receiver.types() == ["customer.created"]


def test_an_event_can_be_replayed(
    sandbox: Running, stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
):
    stripe.v1.products.create({"name": "x"})
    event = receiver.wait_for("product.created")
    receiver.received.clear()

    sandbox.control("POST", f"/events/{event['id']}/replay")

    assert receiver.wait_for("product.created")["id"] == event["id"]


def test_an_update_says_what_was_before(
    stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
):
    product = stripe.v1.products.create({"name": "old"})

    stripe.v1.products.update(product.id, {"name": "new"})

    assert receiver.wait_for("product.updated")["data"]["previous_attributes"]["name"] == "old"


def test_the_secret_is_shown_at_creation_alone(stripe: stripe.StripeClient, endpoint: stripe.WebhookEndpoint):
    retrieved = stripe.v1.webhook_endpoints.retrieve(endpoint.id)

    assert str(endpoint.secret).startswith("whsec_")
    assert "secret" not in retrieved


def test_subscribing_tells_what_stripe_would_tell(shop: Shop):
    shop.pay(shop.session())

    types = {event["type"] for event in shop.sandbox.control("GET", "/events?limit=200")["events"]}

    assert types >= {
        "customer.created", "payment_method.attached", "customer.subscription.created", "invoice.created",
        "invoice.finalized", "payment_intent.created", "payment_intent.succeeded", "charge.succeeded", "invoice.paid",
        "invoice.payment_succeeded", "invoice_payment.paid", "customer.subscription.updated",
        "checkout.session.completed",
    }  # fmt: skip
