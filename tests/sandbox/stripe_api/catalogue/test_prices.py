"""Products and prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.sandbox.running import Running
from tests.sandbox.shop import Shop


def refused(sandbox: Running, form: dict[str, Any]) -> dict[str, Any]:
    answer = sandbox.call("POST", "/v1/prices", form)
    assert answer.status == 400, answer.body
    error: dict[str, Any] = answer.json()["error"]
    return error


def monthly(shop: Shop, **fields: str) -> dict[str, str]:
    return {"currency": "usd", "product": shop.product, "recurring[interval]": "month", **fields}


def test_keeps_twelve_decimals_of_a_cent(shop: Shop):
    answer = shop.sandbox.call("POST", "/v1/prices", monthly(shop, unit_amount_decimal="0.000130000001"))

    price = answer.json()
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (None, "0.000130000001")


def test_refuses_thirteen_decimals(shop: Shop):
    error = refused(shop.sandbox, monthly(shop, unit_amount_decimal="0.0000000000001"))

    assert error["param"] == "unit_amount_decimal"


def test_gives_a_whole_amount_in_both_forms(shop: Shop):
    price = shop.stripe.v1.prices.retrieve(shop.base)

    assert (price.unit_amount, price.unit_amount_decimal) == (1000, Decimal(1000))


@pytest.mark.parametrize("amount", [{}, {"unit_amount": "1", "unit_amount_decimal": "1"}, {"unit_amount": "-1"}])
def test_wants_exactly_one_amount_from_zero(shop: Shop, amount: dict[str, str]):
    refused(shop.sandbox, monthly(shop, **amount))


def test_a_metered_price_needs_a_meter(shop: Shop):
    error = refused(shop.sandbox, monthly(shop, unit_amount="1", **{"recurring[usage_type]": "metered"}))

    assert error["param"] == "recurring[meter]"


def test_a_licensed_price_has_no_meter(shop: Shop):
    meter = shop.stripe.v1.billing.meters.list().data[0].id

    error = refused(shop.sandbox, monthly(shop, unit_amount="1", **{"recurring[meter]": meter}))

    assert error["param"] == "recurring[meter]"


def test_the_legacy_aggregate_usage_is_unknown(shop: Shop):
    error = refused(shop.sandbox, monthly(shop, unit_amount="1", **{"recurring[aggregate_usage]": "sum"}))

    assert error["code"] == "parameter_unknown"


def test_refuses_a_product_that_is_not_there(shop: Shop):
    error = refused(shop.sandbox, {**monthly(shop, unit_amount="1"), "product": "prod_none"})

    assert (error["code"], error["param"]) == ("resource_missing", "product")


def test_is_found_by_lookup_key(shop: Shop):
    found = shop.stripe.v1.prices.list({"lookup_keys": ["pro_haiku_base", "haiku_input"]})

    assert {price.id for price in found.data} == {shop.base, shop.input}


def test_a_lookup_key_belongs_to_one_price(shop: Shop):
    error = refused(shop.sandbox, monthly(shop, unit_amount="1", lookup_key="haiku_input"))

    assert error["param"] == "lookup_key"


def test_a_lookup_key_moves_when_asked(shop: Shop):
    form = monthly(shop, unit_amount="1", lookup_key="haiku_input", transfer_lookup_key="true")

    newer = shop.sandbox.call("POST", "/v1/prices", form).json()

    assert shop.stripe.v1.prices.retrieve(shop.input).lookup_key is None
    assert [price.id for price in shop.stripe.v1.prices.list({"lookup_keys": ["haiku_input"]}).data] == [newer["id"]]


def test_metadata_is_merged_and_unset_by_empty_values(stripe: stripe.StripeClient):
    product = stripe.v1.products.create({"name": "x", "metadata": {"a": "1", "b": "2"}})

    changed = stripe.v1.products.update(product.id, {"metadata": {"b": "", "c": "3"}})

    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}


def test_a_product_with_prices_cannot_be_deleted(shop: Shop):
    answer = shop.sandbox.call("DELETE", f"/v1/products/{shop.product}")

    assert answer.status == 400


def test_lists_the_features_of_a_product_as_none(shop: Shop):
    answer = shop.sandbox.call("GET", f"/v1/products/{shop.product}/features")

    assert answer.json()["data"] == []
