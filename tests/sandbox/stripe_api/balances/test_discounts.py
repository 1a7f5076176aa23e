"""Coupons and promotion codes: what they take off an invoice, for how long, and who may redeem them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop


def coupon(shop: Shop, **params: Any) -> str:
    return shop.stripe.v1.coupons.create(params).id  # type: ignore[arg-type]


def code(shop: Shop, coupon_id: str, **params: Any) -> stripe.PromotionCode:
    given: Any = {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": "SPRING", **params}
    return shop.stripe.v1.promotion_codes.create(given)


def bill(shop: Shop, customer: str) -> stripe.Invoice:
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    return shop.invoices(customer)[-1]


def subscriber(shop: Shop, **params: Any) -> str:
    """A customer with a subscription and $1.95 of usage."""
    customer = shop.customer()
    shop.subscribe(customer, **params)
    use(shop, customer)
    return customer


def use(shop: Shop, customer: str) -> None:
    shop.use(customer, tokens=1_000_000)
    shop.use(customer, event_name="haiku_output", tokens=100_000)


@pytest.mark.parametrize(
    ("terms", "totals"),
    [
        ({"percent_off": 10, "duration": "forever"}, [900, 1075, 1075]),
        ({"percent_off": 33.33, "duration": "once"}, [667, 1195, 1195]),
        ({"amount_off": 500, "currency": "usd", "duration": "once"}, [500, 1195, 1195]),
        ({"amount_off": 5000, "currency": "usd", "duration": "forever"}, [0, 0, 0]),
        ({"percent_off": 50, "duration": "repeating", "duration_in_months": 1}, [500, 1195, 1195]),
        ({"percent_off": 50, "duration": "repeating", "duration_in_months": 2}, [500, 597, 1195]),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_coupon_lasts_as_it_says(shop: Shop, terms: dict[str, Any], totals: list[int]):
    customer = subscriber(shop, discounts=[{"coupon": coupon(shop, **terms)}])
    bill(shop, customer)
    use(shop, customer)
    bill(shop, customer)

    assert [invoice.total for invoice in shop.invoices(customer)] == totals


def test_lines_share_a_discount_to_the_cent(shop: Shop):
    customer = subscriber(shop, discounts=[{"coupon": coupon(shop, percent_off=33.33, duration="forever")}])

    invoice = bill(shop, customer)

    shares = [sum(off.amount for off in line.discount_amounts or []) for line in invoice.lines.data]
    assert (shares, invoice.total) == ([333, 43, 22], 1195 - 398)


def test_discounts_come_one_after_another_and_before_credits(shop: Shop):
    ten = coupon(shop, percent_off=10, duration="forever")
    five = coupon(shop, amount_off=500, currency="usd", duration="forever")
    customer = subscriber(shop, discounts=[{"coupon": ten}, {"coupon": five}])
    grant: Any = {
        "customer": customer,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 5000}},
        "applicability_config": {"scope": {"price_type": "metered"}},
    }
    shop.stripe.v1.billing.credit_grants.create(grant)

    invoice = bill(shop, customer)

    assert [one.amount for one in invoice.total_discount_amounts or []] == [120, 500]
    assert invoice.total == 1000 - 100 - 419  # less the base's share of both; credits pay all usage that is left


def test_a_coupon_for_a_product_is_for_its_lines_alone(shop: Shop):
    other = shop.stripe.v1.products.create({"name": "Other"}).id
    only = coupon(shop, percent_off=50, duration="forever", applies_to={"products": [other]})

    assert bill(shop, subscriber(shop, discounts=[{"coupon": only}])).total == 1195


def test_a_discount_is_given_and_taken_back_later(shop: Shop):
    customer = subscriber(shop)
    subscription = shop.stripe.v1.subscriptions.list({"customer": customer}).data[0].id
    half = coupon(shop, percent_off=50, duration="forever")

    given = shop.stripe.v1.subscriptions.update(subscription, {"discounts": [{"coupon": half}]})
    total = bill(shop, customer).total
    taken = shop.stripe.v1.subscriptions.update(subscription, {"discounts": ""})

    assert (len(given.discounts), total, taken.discounts) == (1, 597, [])


def test_a_switch_gives_back_what_was_paid_and_charges_less_the_percentage(shop: Shop):
    customer = subscriber(shop, discounts=[{"coupon": coupon(shop, percent_off=50, duration="forever")}])
    subscription = shop.stripe.v1.subscriptions.list({"customer": customer}).data[0]
    dear = shop.stripe.v1.prices.create(
        {"currency": "usd", "product": shop.product, "unit_amount": 2000, "recurring": {"interval": "month"}}
    )
    change: Any = {
        "items": [{"id": subscription["items"].data[0].id, "price": dear.id}],
        "proration_behavior": "always_invoice",
        "proration_date": subscription["items"].data[0].current_period_start,
    }

    shop.stripe.v1.subscriptions.update(subscription.id, change)

    assert [line.amount for line in shop.invoices(customer)[-1].lines.data] == [-500, 1000]


def test_a_promotion_code_is_redeemed_whatever_its_case_and_counted(shop: Shop):
    made = code(shop, coupon(shop, percent_off=20), max_redemptions=1)
    found = shop.stripe.v1.promotion_codes.list({"code": "spring", "active": True}).data

    shop.subscribe(shop.customer(), discounts=[{"promotion_code": found[0].id}])

    again = shop.stripe.v1.promotion_codes.retrieve(made.id)
    assert (again.times_redeemed, again.active) == (1, False)
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        shop.subscribe(shop.customer(), discounts=[{"promotion_code": made.id}])


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"restrictions": {"first_time_transaction": True}}, "prior transactions"),
        ({"restrictions": {"minimum_amount": 5000, "minimum_amount_currency": "usd"}}, "larger amount"),
        ({"customer": "another"}, "another customer"),
        ({"active": False}, "not active"),
    ],
)
def test_a_promotion_code_is_refused_where_it_is_not_for_this(shop: Shop, terms: dict[str, Any], says: str):
    customer = subscriber(shop)
    subscription = shop.stripe.v1.subscriptions.list({"customer": customer}).data[0].id
    if "customer" in terms:
        terms = {"customer": shop.customer()}
    made = code(shop, coupon(shop, percent_off=20), **terms)

    with pytest.raises(stripe.InvalidRequestError, match=says):
        shop.stripe.v1.subscriptions.update(subscription, {"discounts": [{"promotion_code": made.id}]})


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"percent_off": 101},
        {"percent_off": 10, "amount_off": 100, "currency": "usd"},
        {"amount_off": 100},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 10, "duration_in_months": 3},
        {"percent_off": 10, "redeem_by": 5},
        {"percent_off": 10, "colour": "red"},
    ],
    ids=str,
)
def test_refuses_a_coupon_that_cannot_be(shop: Shop, terms: dict[str, Any]):
    with pytest.raises(stripe.InvalidRequestError):
        coupon(shop, **terms)


def test_refuses_a_code_that_is_taken_and_a_coupon_that_is_over(shop: Shop):
    first = coupon(shop, percent_off=10, max_redemptions=1)
    code(shop, first)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        code(shop, first, code="sprinG")

    shop.subscribe(shop.customer(), discounts=[{"coupon": first}])

    with pytest.raises(stripe.InvalidRequestError, match="Coupon expired"):
        shop.subscribe(shop.customer(), discounts=[{"coupon": first}])


def test_a_code_is_typed_in_at_checkout(shop: Shop):
    code(shop, coupon(shop, percent_off=25, duration="forever"))
    session = shop.session(allow_promotion_codes=True)

    wrong = shop.pay(session, promotion_code="WINTER")
    shown = shop.pay(session, promotion_code="spring", action="apply")
    shop.pay(session, promotion_code="spring")

    done = shop.stripe.v1.checkout.sessions.retrieve(session.id)
    assert "This code is invalid." in wrong.body.decode()
    assert "$7.50" in shown.body.decode()
    assert (done.amount_total, shop.invoices(str(done.customer))[0].total) == (750, 750)


def test_search_is_an_unknown_address(shop: Shop):
    answer = shop.sandbox.call("GET", "/v1/customers/search?query=x")

    assert (answer.status, "Unrecognized request URL" in answer.body.decode()) == (404, True)


def test_answers_fit_the_sdk(shop: Shop):
    made = code(
        shop,
        coupon(shop, percent_off=12.5, duration="repeating", duration_in_months=3),
        expires_at=int(time.time()) + 9999,
    )
    bill(shop, subscriber(shop, discounts=[{"promotion_code": made.id}]))
    paths = [
        "coupons",
        "coupons?expand[]=data.applies_to",
        "promotion_codes",
        "subscriptions?expand[]=data.discounts.source.coupon",
        "invoices?expand[]=data.discounts&expand[]=data.lines.data.discounts",
    ]

    for path in paths:
        assert problems(shop.sandbox.call("GET", f"/v1/{path}").json(), at=path) == []
    events = shop.sandbox.control("GET", "/events?limit=1000")["events"]
    assert [problem for event in events for problem in problems(event["data"]["object"], at=event["type"])] == []
