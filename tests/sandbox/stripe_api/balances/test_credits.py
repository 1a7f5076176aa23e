"""Billing credits: their customers, the lines that take them, their order, and their end."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop

HOUR = 3600


def grant(shop: Shop, customer: str, cents: int, **params: Any) -> stripe.billing.CreditGrant:
    given: Any = {
        "customer": customer,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": cents}},
        "applicability_config": {"scope": {"price_type": "metered"}},
        **params,
    }
    return shop.stripe.v1.billing.credit_grants.create(given)


def available(shop: Shop, customer: str) -> int:
    filters: Any = {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}}
    found = shop.stripe.v1.billing.credit_balance_summary.retrieve({"customer": customer, "filter": filters})
    return sum(
        balance.available_balance.monetary.value for balance in found.balances if balance.available_balance.monetary
    )


def left(shop: Shop, made: stripe.billing.CreditGrant) -> int:
    filters: Any = {"type": "credit_grant", "credit_grant": made.id}
    found = shop.stripe.v1.billing.credit_balance_summary.retrieve({"customer": str(made.customer), "filter": filters})
    return found.balances[0].available_balance.monetary.value if found.balances[0].available_balance.monetary else 0


@pytest.fixture
def user(shop: Shop) -> str:
    """A subscriber who owes $10.00 for the next month, and $13.00 for tokens."""
    customer = shop.customer()
    shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)
    return customer


def bill(shop: Shop, customer: str) -> stripe.Invoice:
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    return shop.invoices(customer)[-1]


def test_credits_pay_usage_and_not_the_base(shop: Shop, user: str):
    grant(shop, user, 5000)

    invoice = bill(shop, user)

    assert (invoice.subtotal, invoice.total, invoice.amount_paid) == (2300, 1000, 1000)
    assert available(shop, user) == 3700
    assert [sum(one.amount for one in line.pretax_credit_amounts or []) for line in invoice.lines.data] == [0, 1300, 0]


def test_credits_pay_no_invoice_item_even_one_of_usage(shop: Shop, user: str):
    """Stripe names "subscription line items that link to a meter price" alone."""
    grant(shop, user, 5000)
    items = shop.stripe.v1.subscriptions.list({"customer": user}).data[0]["items"].data

    shop.stripe.v1.subscription_items.delete(items[1].id, {"proration_behavior": "always_invoice"})

    assert shop.invoices(user)[-1].total == 1300
    assert available(shop, user) == 5000


def test_credits_are_taken_at_finalization_alone(shop: Shop, user: str):
    grant(shop, user, 5000)

    shop.sandbox.advance("to_period_end")

    assert shop.invoices(user)[-1].total == 2300
    assert available(shop, user) == 5000


def test_what_expires_first_is_spent_first(shop: Shop, user: str):
    later = grant(shop, user, 1000)
    sooner = grant(shop, user, 1000, expires_at=int(time.time()) + 60 * 24 * HOUR)

    bill(shop, user)

    assert (left(shop, sooner), left(shop, later)) == (0, 700)


def test_priority_comes_before_everything(shop: Shop, user: str):
    grant(shop, user, 1000, expires_at=int(time.time()) + 60 * 24 * HOUR)
    first = grant(shop, user, 1000, priority=0)

    bill(shop, user)

    assert left(shop, first) == 0


def test_promotional_credits_are_spent_before_paid_ones(shop: Shop, user: str):
    paid = grant(shop, user, 1000, category="paid")
    promotional = grant(shop, user, 1000, category="promotional")

    bill(shop, user)

    assert (left(shop, promotional), left(shop, paid)) == (0, 700)


def test_credits_for_named_prices_pay_no_others(shop: Shop, user: str):
    grant(shop, user, 5000, applicability_config={"scope": {"prices": [{"id": shop.output}]}})

    assert bill(shop, user).total == 2300


def test_expired_credits_pay_nothing(shop: Shop, user: str):
    made = grant(shop, user, 5000, expires_at=int(time.time()) + HOUR)

    invoice = bill(shop, user)

    kinds = [one.debit.type for one in transactions(shop, made) if one.debit]
    assert (invoice.total, kinds) == (2300, ["credits_expired"])


def test_credits_that_are_not_in_effect_yet_pay_nothing(shop: Shop, user: str):
    grant(shop, user, 5000, effective_at=int(time.time()) + 60 * 24 * HOUR)

    assert bill(shop, user).total == 2300


def test_voiding_an_invoice_gives_its_credits_back(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)
    shop.use(customer, tokens=10_000_000)
    grant(shop, customer, 5000)
    shop.sandbox.control("POST", "/settings", {"decline_next_payments": 1})
    invoice = bill(shop, customer)
    taken = available(shop, customer)

    shop.stripe.v1.invoices.void_invoice(str(invoice.id))

    assert (taken, available(shop, customer)) == (3700, 5000)


def transactions(shop: Shop, made: stripe.billing.CreditGrant) -> list[stripe.billing.CreditBalanceTransaction]:
    params: Any = {"customer": str(made.customer), "credit_grant": made.id}
    return shop.stripe.v1.billing.credit_balance_transactions.list(params).data


def test_a_grant_can_be_expired_or_voided_once(shop: Shop, user: str):
    api = shop.stripe.v1.billing.credit_grants
    first, second = grant(shop, user, 1000), grant(shop, user, 1000)

    api.expire(first.id)
    voided = api.void_grant(second.id)

    assert (available(shop, user), bool(voided.voided_at)) == (0, True)
    with pytest.raises(stripe.InvalidRequestError, match="over already"):
        api.void_grant(first.id)


def test_a_used_grant_cannot_be_voided(shop: Shop, user: str):
    made = grant(shop, user, 5000)
    bill(shop, user)

    with pytest.raises(stripe.InvalidRequestError, match="not used yet"):
        shop.stripe.v1.billing.credit_grants.void_grant(made.id)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 0}}},
        {"applicability_config": {"scope": {}}},
        {"priority": 101},
        {"expires_at": 5},
    ],
)
def test_refuses_a_grant_that_cannot_be(shop: Shop, user: str, change: dict[str, Any]):
    with pytest.raises(stripe.InvalidRequestError):
        grant(shop, user, 100, **change)


def test_answers_fit_the_sdk(shop: Shop, user: str):
    grant(shop, user, 5000)
    bill(shop, user)
    summary = f"/v1/billing/credit_balance_summary?customer={user}&filter[type]=applicability_scope"

    for path in ("/v1/billing/credit_grants", "/v1/billing/credit_balance_transactions", "/v1/invoices", summary):
        answer = shop.sandbox.call("GET", path).json()

        assert problems(answer, at=path) == []
