"""Stripe's conventions for every request: keys, versions, parameters, idempotency, lists and expansion."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.running import KEY, Running
from tests.sandbox.shop import Shop


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (None, "You did not provide an API key"),
        ("sk_test_123", "Invalid API Key provided"),
        ("pk_test_sandboxsandboxsandboxsand", "Invalid API Key provided"),
        ("sk_live_sandboxsandboxsandboxsand", "The sandbox takes test keys only"),
    ],
)
def test_answers_401_without_a_test_key(sandbox: Running, key: str | None, says: str):
    answer = sandbox.call("GET", "/v1/account", key=key)

    assert answer.status == 401
    assert says in answer.json()["error"]["message"]


def test_never_repeats_a_whole_key(sandbox: Running):
    answer = sandbox.call("GET", "/v1/account", key="sk_live_sandboxsandboxsandboxsand")

    assert b"sandboxsandboxsandboxsand" not in answer.body


def test_takes_the_key_as_basic_user(sandbox: Running):
    answer = sandbox.call(
        "GET", "/v1/account", key=None, Authorization="Basic c2tfdGVzdF9zYW5kYm94c2FuZGJveHNhbmRib3hzYW5kOg=="
    )

    assert answer.status == 200


def test_answers_404_for_an_unknown_address(sandbox: Running):
    answer = sandbox.call("GET", "/v1/nothing")

    assert answer.status == 404
    assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/nothing)")


def test_every_answer_has_a_request_id(sandbox: Running):
    answer = sandbox.call("GET", "/v1/nothing")

    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("form", "param", "says"),
    [
        ({"nme": "x"}, "nme", "Received unknown parameter: nme"),
        (
            {"name": "x", "default_price_data[currncy]": "usd"},
            "default_price_data[currncy]",
            "Received unknown parameter",
        ),
        ({}, "name", "Missing required param: name."),
        ({"name": "x", "active": "yes"}, "active", "Invalid boolean: yes"),
        ({"name": "x", "type": "thing"}, "type", "Invalid type: must be one of good, or service"),
        ({"name": "x", "idempotency_key": "k"}, "idempotency_key", "Received unknown parameter"),
        ({"name[a]": "x"}, "name", "Invalid string"),
        ({"name": "x", "images": "y"}, "images", "Invalid array"),
    ],
)
def test_refuses_wrong_parameters_as_stripe_does(sandbox: Running, form: dict[str, str], param: str, says: str):
    answer = sandbox.call("POST", "/v1/products", form)

    error = answer.json()["error"]
    assert (answer.status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert says in error["message"]


def test_refuses_what_it_does_not_simulate_instead_of_ignoring_it(sandbox: Running):
    form = {"name": "x", "package_dimensions[height]": "1", "package_dimensions[length]": "1",
            "package_dimensions[weight]": "1", "package_dimensions[width]": "1"}  # fmt: skip

    answer = sandbox.call("POST", "/v1/products", form)

    assert answer.json()["error"]["code"] == "sandbox_not_simulated"


def test_refuses_a_json_body(sandbox: Running):
    answer = sandbox.call("POST", "/v1/products", {"name": "x"}, Content_Type="application/json")

    assert answer.status == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", ["name=%ff", "a[b=1", "name=x&name[b]=y", "a[1][2][3][4][5][6][7][8][9][10]=x"])
def test_answers_400_to_a_form_that_makes_no_sense(sandbox: Running, body: str):
    answer = sandbox.call("GET", f"/v1/products?{body}")

    assert answer.status == 400


def test_answers_413_to_a_body_that_is_too_large(sandbox: Running):
    answer = sandbox.call("POST", "/v1/products", {"name": "x" * 1_100_000})

    assert answer.status == 413


def test_refuses_another_release_of_the_api(sandbox: Running):
    answer = sandbox.call("GET", "/v1/account", Stripe_Version="2024-06-20")

    assert answer.status == 400
    assert "Invalid Stripe API version" in answer.json()["error"]["message"]


def test_refuses_another_account(sandbox: Running):
    answer = sandbox.call("GET", "/v1/account", Stripe_Account="acct_other")

    assert answer.status == 403
    assert answer.json()["error"]["code"] == "account_invalid"


def test_same_idempotency_key_and_request_get_the_same_answer(sandbox: Running):
    first = sandbox.call("POST", "/v1/products", {"name": "x"}, Idempotency_Key="k1")
    second = sandbox.call("POST", "/v1/products", {"name": "x"}, Idempotency_Key="k1")

    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"
    assert sandbox.call("GET", "/v1/products").json()["data"] == [first.json()]


def test_same_idempotency_key_with_another_request_is_an_error(sandbox: Running):
    sandbox.call("POST", "/v1/products", {"name": "x"}, Idempotency_Key="k1")

    answer = sandbox.call("POST", "/v1/products", {"name": "y"}, Idempotency_Key="k1")

    assert (answer.status, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_an_idempotency_key_is_forgotten_after_a_day(sandbox: Running):
    first = sandbox.call("POST", "/v1/products", {"name": "x"}, Idempotency_Key="k1")
    sandbox.advance("24 hours")

    second = sandbox.call("POST", "/v1/products", {"name": "x"}, Idempotency_Key="k1")

    assert second.json()["id"] != first.json()["id"]


def test_lists_page_newest_first_through_everything(stripe: stripe.StripeClient):
    made = [stripe.v1.products.create({"name": f"p{number}"}).id for number in range(5)]

    listed = [product.id for product in stripe.v1.products.list({"limit": 2}).auto_paging_iter()]

    assert listed == made[::-1]


def test_lists_page_backwards(stripe: stripe.StripeClient):
    made = [stripe.v1.products.create({"name": f"p{number}"}).id for number in range(4)]

    page = stripe.v1.products.list({"limit": 2, "ending_before": made[0]})

    assert [product.id for product in page.data] == [made[2], made[1]]
    assert page.has_more


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "starting_after=prod_none"])
def test_refuses_a_page_that_cannot_be(sandbox: Running, query: str):
    answer = sandbox.call("GET", f"/v1/products?{query}")

    assert answer.status == 400


def test_expands_ids_to_objects(shop: Shop):
    price = shop.stripe.v1.prices.retrieve(shop.base, {"expand": ["product"]})

    assert getattr(price.product, "name") == "Pro Haiku"  # noqa: B009 - the type is a union


def test_expands_inside_lists(shop: Shop):
    answer = shop.sandbox.call("GET", "/v1/prices?expand[]=data.product&limit=1")

    assert answer.json()["data"][0]["product"]["name"] == "Pro Haiku"


def test_refuses_to_expand_what_is_not_there(shop: Shop):
    answer = shop.sandbox.call("GET", f"/v1/prices/{shop.base}?expand[]=owner")

    assert answer.status == 400
    assert "cannot be expanded" in answer.json()["error"]["message"]


def test_logs_requests_with_parameters_and_without_keys(sandbox: Running):
    sandbox.call("POST", "/v1/products", {"name": "logged"})

    newest = sandbox.control("GET", "/requests?limit=1")["requests"][0]

    assert (newest["method"], newest["path"], newest["params"]) == ("POST", "/v1/products", {"name": "logged"})
    assert KEY not in str(newest)
