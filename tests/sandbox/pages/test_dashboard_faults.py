"""The dashboard's faults and settings: they break calls and payments on demand."""

from __future__ import annotations

from sandbox.faults import EFFECTS
from tests.sandbox.browsing import read, send
from tests.sandbox.conftest import Receiver
from tests.sandbox.running import Running
from tests.sandbox.shop import Shop


def test_form_of_faults_makes_calls_fail(shop: Shop):
    send(f"{shop.sandbox.url}/dashboard/faults", effect="status", path="/v1/products", times="1", status="500")

    assert shop.sandbox.call("GET", "/v1/products").status == 500
    assert shop.sandbox.call("GET", "/v1/products").status == 200


def test_stripe_is_down_until_the_faults_are_cleared(shop: Shop):
    send(f"{shop.sandbox.url}/dashboard/faults", effect="down", for_s="")
    down = [shop.sandbox.call("GET", "/v1/products").status for _ in range(3)]

    send(f"{shop.sandbox.url}/dashboard/faults/clear")

    assert down == [503, 503, 503]
    assert shop.sandbox.call("GET", "/v1/products").status == 200


def test_form_of_faults_says_what_is_wrong(sandbox: Running):
    answer = send(f"{sandbox.url}/dashboard/faults", effect="status", times="many")

    assert answer.status == 400
    assert "are numbers" in answer.body.decode()


def test_next_payments_can_be_declined(shop: Shop):
    send(f"{shop.sandbox.url}/dashboard/faults/settings", decline_next_payments="1")

    subscription = shop.subscribe(shop.customer())

    assert subscription.status == "incomplete"


def test_ending_of_retries_can_be_chosen(shop: Shop):
    send(f"{shop.sandbox.url}/dashboard/faults/settings", when_retries_end="unpaid")

    assert shop.sandbox.control("GET", "/settings")["when_retries_end"] == "unpaid"


def test_settings_say_what_is_wrong(sandbox: Running):
    answer = send(f"{sandbox.url}/dashboard/faults/settings", when_retries_end="nothing")

    assert answer.status == 400
    assert "The settings are" in answer.body.decode()


def test_every_effect_and_setting_is_on_the_page(sandbox: Running):
    page = read(f"{sandbox.url}/dashboard/faults")

    assert all(f'value="{effect}"' in page.html for effect in EFFECTS)
    assert all(f'name="{setting}"' in page.html for setting in sandbox.control("GET", "/settings"))


def test_webhooks_can_be_kept_back(shop: Shop, receiver: Receiver):
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    send(f"{shop.sandbox.url}/dashboard/faults", effect="webhook_never", event="customer.created", times="1")

    shop.customer(card=None)
    shop.stripe.v1.products.create({"name": "Something"})
    receiver.wait_for("product.created")

    assert "customer.created" not in receiver.types()
