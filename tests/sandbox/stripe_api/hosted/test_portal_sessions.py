"""The billing portal over the API: configurations and sessions."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop


def open_portal(shop: Shop, **params: Any) -> stripe.billing_portal.Session:
    return shop.stripe.v1.billing_portal.sessions.create({"customer": shop.customer(), **params})


def test_session_fits_the_sdk(shop: Shop):
    flow = {"flow_data[type]": "payment_method_update"}

    plain = shop.sandbox.call("POST", "/v1/billing_portal/sessions", {"customer": shop.customer()})
    flowing = shop.sandbox.call("POST", "/v1/billing_portal/sessions", {"customer": shop.customer(), **flow})

    assert problems(plain.json()) == []
    assert problems(flowing.json()) == []


def test_configuration_fits_the_sdk(shop: Shop):
    answer = shop.sandbox.call("GET", "/v1/billing_portal/configurations").json()

    assert problems(answer) == []
    assert [configuration["is_default"] for configuration in answer["data"]] == [True]


def test_session_uses_the_default_configuration_unless_told_otherwise(shop: Shop):
    configurations = shop.stripe.v1.billing_portal.configurations
    own = configurations.create({"features": {"invoice_history": {"enabled": True}}, "name": "Invoices alone"})

    default = open_portal(shop)
    chosen = open_portal(shop, configuration=own.id)

    assert chosen.configuration == own.id
    assert configurations.retrieve(str(default.configuration)).is_default


def test_features_that_are_not_named_are_off(shop: Shop):
    features: Any = {"subscription_cancel": {"enabled": True, "mode": "immediately"}}

    own = shop.stripe.v1.billing_portal.configurations.create({"features": features})

    assert own.features.subscription_cancel.mode == "immediately"
    assert not own.features.invoice_history.enabled
    assert not own.features.customer_update.enabled


def test_update_changes_what_is_given_alone(shop: Shop):
    configurations = shop.stripe.v1.billing_portal.configurations
    own = configurations.create({"features": {"invoice_history": {"enabled": True}}})

    changed = configurations.update(own.id, {"business_profile": {"headline": "Hello"}, "active": False})

    assert (changed.business_profile.headline, changed.active) == ("Hello", False)
    assert changed.features.invoice_history.enabled


def test_sessions_return_to_the_configurations_address_by_default(shop: Shop):
    own = shop.stripe.v1.billing_portal.configurations.create(
        {"features": {"invoice_history": {"enabled": True}}, "default_return_url": "https://shop.example/account"}
    )

    assert open_portal(shop, configuration=own.id).return_url == "https://shop.example/account"
    assert open_portal(shop, configuration=own.id, return_url="https://shop.example/x").return_url.endswith("/x")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"customer": "cus_none"}, "No such customer"),
        ({"return_url": "shop.example"}, "Invalid URL"),
        ({"configuration": "bpc_none"}, "No such configuration"),
        ({"locale": "de"}, "does not simulate"),
        ({"flow_data": {"type": "subscription_update"}}, "does not simulate"),
        ({"flow_data": {"type": "subscription_cancel"}}, "Missing required param"),
        ({"flow_data": {"type": "nothing"}}, "must be one of"),
    ],
)
def test_refuses_sessions_that_make_no_sense(shop: Shop, params: dict[str, Any], says: str):
    with pytest.raises(stripe.InvalidRequestError, match=says):
        open_portal(shop, **params)


def test_refuses_to_cancel_another_customers_subscription(shop: Shop):
    other = shop.subscribe(shop.customer())

    with pytest.raises(stripe.InvalidRequestError, match="another customer's"):
        open_portal(shop, flow_data={"type": "subscription_cancel", "subscription_cancel": {"subscription": other.id}})


def test_refuses_a_flow_whose_feature_is_off(shop: Shop):
    own = shop.stripe.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})

    with pytest.raises(stripe.InvalidRequestError, match="payment_method_update"):
        open_portal(shop, configuration=own.id, flow_data={"type": "payment_method_update"})


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ({"subscription_update": {"enabled": True}}, "does not simulate changes of subscriptions"),
        ({"subscription_cancel": {"enabled": True, "proration_behavior": "always_invoice"}}, "no proration behavior"),
        ({"subscription_cancel": {"enabled": True, "proration_behavior": "create_prorations"}}, "needs the mode"),
        ({"customer_update": {"enabled": True, "allowed_updates": ["tax_id"]}}, "changes of `tax_id`"),
        ({"customer_update": {"enabled": True, "allowed_updates": ["colour"]}}, "must be one of"),
    ],
)
def test_refuses_features_it_does_not_have(shop: Shop, features: Any, says: str):
    with pytest.raises(stripe.InvalidRequestError, match=says):
        shop.stripe.v1.billing_portal.configurations.create({"features": features})


def test_default_configuration_stays_active(shop: Shop):
    configurations = shop.stripe.v1.billing_portal.configurations
    default = configurations.list().data[0]

    with pytest.raises(stripe.InvalidRequestError, match="cannot be deactivated"):
        configurations.update(default.id, {"active": False})
