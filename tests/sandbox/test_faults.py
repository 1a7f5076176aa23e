"""Faults on demand that are not a single failing call: webhooks gone astray, Stripe down, lagging sums, busy meters."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Receiver
from tests.sandbox.running import Running, http_call
from tests.sandbox.shop import Shop


@pytest.fixture
def listened(stripe: stripe.StripeClient, receiver: Receiver) -> stripe.StripeClient:
    """The SDK of a sandbox that tells the receiver of everything."""
    stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    return stripe


def names(receiver: Receiver) -> list[str]:
    """The products the receiver was told of."""
    return [json.loads(body)["data"]["object"]["name"] for _, body in receiver.received]


def until(count: int, receiver: Receiver, *, timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while len(receiver.received) < count and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_webhook_comes_late(sandbox: Running, listened: stripe.StripeClient, receiver: Receiver):
    sandbox.control("POST", "/faults", {"effect": "webhook_late", "event": "product.*", "delay_s": 1.5})
    listened.v1.products.create({"name": "late"})
    listened.v1.products.create({"name": "on time"})

    until(1, receiver)
    first = names(receiver)
    until(2, receiver)

    assert (first, names(receiver)) == (["on time"], ["on time", "late"])


def test_a_webhook_comes_twice(sandbox: Running, listened: stripe.StripeClient, receiver: Receiver):
    sandbox.control("POST", "/faults", {"effect": "webhook_twice"})

    listened.v1.products.create({"name": "double"})
    listened.v1.products.create({"name": "single"})

    until(4, receiver, timeout_s=2)
    assert sorted(names(receiver)) == ["double", "double", "single"]


def test_webhooks_come_out_of_order(sandbox: Running, listened: stripe.StripeClient, receiver: Receiver):
    sandbox.control("POST", "/faults", {"effect": "webhook_out_of_order", "event": "product.created"})

    listened.v1.products.create({"name": "first"})
    listened.v1.products.create({"name": "second"})

    until(2, receiver)
    assert names(receiver) == ["second", "first"]


def test_a_webhook_never_comes_unless_it_is_replayed(
    sandbox: Running, listened: stripe.StripeClient, receiver: Receiver
):
    sandbox.control("POST", "/faults", {"effect": "webhook_never"})
    listened.v1.products.create({"name": "lost"})
    listened.v1.products.create({"name": "kept"})
    until(1, receiver)
    without = names(receiver)

    lost = sandbox.control("GET", "/events?type=product.created")["events"][-1]
    sandbox.control("POST", f"/events/{lost['id']}/replay")

    until(2, receiver)
    assert (without, names(receiver)) == (["kept"], ["kept", "lost"])


def test_all_of_stripe_is_down_for_a_while(sandbox: Running, listened: stripe.StripeClient, receiver: Receiver):
    listened.v1.products.create({"name": "before"})
    until(1, receiver)
    sandbox.control("POST", "/faults", {"effect": "down", "for_s": 1})

    down = [sandbox.call("GET", path).status for path in ("/v1/products", "/v1/account", "/v2/core/events")]
    time.sleep(1.1)

    assert down == [503, 503, 503]
    assert sandbox.call("GET", "/v1/products").status == 200


def test_no_webhook_leaves_while_stripe_is_down(sandbox: Running, shop: Shop, receiver: Receiver):
    session = shop.session()
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    sandbox.control("POST", "/faults", {"effect": "down"})
    shop.pay(session)
    time.sleep(1)
    meanwhile = receiver.types()

    sandbox.control("DELETE", "/faults")

    receiver.wait_for("customer.created")
    assert meanwhile == []


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "slow", "delay_s": -1},
        {"effect": "down", "for_s": "long"},
        {"effect": "webhook_late", "event": 5},
        {"effect": "status", "times": 0},
        {"effect": "status", "status": 200},
        {"effect": "rate_limit", "retry_after_s": "soon"},
    ],
)
def test_a_fault_with_a_wrong_field_is_refused(sandbox: Running, fault: dict[str, Any]):
    answer = http_call("POST", f"{sandbox.url}/_sandbox/faults", body=json.dumps(fault).encode())

    assert answer.status == 400
    assert answer.json()["error"]["message"].startswith("A fault's `")


def test_summaries_and_previews_lag_by_so_many_seconds_as_set(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.sandbox.control("POST", "/settings", {"summary_lag_s": 600})
    shop.use(customer, tokens=10_000_000)

    before = (summed(shop, customer), previewed(shop, subscription.id))
    shop.sandbox.advance("11 minutes")

    assert before == (0, 1000)
    assert (summed(shop, customer), previewed(shop, subscription.id)) == (10_000_000, 2300)


def summed(shop: Shop, customer: str) -> float:
    meter = next(meter for meter in shop.stripe.v1.billing.meters.list().data if meter.event_name == "haiku_input")
    span: Any = {"customer": customer, "start_time": 60, "end_time": int(time.time()) // 60 * 60 + 36_000}
    return sum(one.aggregated_value for one in shop.stripe.v1.billing.meters.event_summaries.list(meter.id, span).data)


def previewed(shop: Shop, subscription: str) -> int:
    return shop.stripe.v1.invoices.create_preview({"subscription": subscription}).total


def test_an_invoice_never_lags(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.sandbox.control("POST", "/settings", {"summary_lag_s": 86_400})
    shop.sandbox.advance("to_period_end")
    item_end = shop.invoices(customer)[-1].lines.data[1].period.end
    shop.use(customer, tokens=10_000_000, timestamp=item_end - 1)

    shop.sandbox.advance("1 hour")

    assert shop.invoices(customer)[-1].total == 2300


def test_two_events_of_a_customer_at_once_are_one_too_many(shop: Shop):
    customer, other = shop.customer(), shop.customer()
    shop.sandbox.control("POST", "/settings", {"meter_event_takes_ms": 1000})
    slow = threading.Thread(target=shop.use, args=[customer], kwargs={"tokens": 1})
    slow.start()
    time.sleep(0.3)

    refused = meter_event(shop, customer)
    elsewhere = meter_event(shop, other)
    slow.join()

    assert (refused, elsewhere) == (429, 200)
    assert meter_event(shop, customer) == 200


def meter_event(shop: Shop, customer: str) -> int:
    form = {"event_name": "haiku_input", "payload[stripe_customer_id]": customer, "payload[value]": "1"}
    return shop.sandbox.call("POST", "/v1/billing/meter_events", form).status


@pytest.mark.parametrize("body", [{"summary_lag_s": -1}, {"nothing": 1}, {"when_retries_end": "hope"}])
def test_a_setting_that_cannot_be_is_refused(sandbox: Running, body: dict[str, Any]):
    answer = http_call("POST", f"{sandbox.url}/_sandbox/settings", body=json.dumps(body).encode())

    assert answer.status == 400
    assert "summary_lag_s" in answer.json()["error"]["message"]
