"""Changes of a subscription's items, and what they bill (Haiku to Sonnet and back)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop, metered_price


@dataclass(frozen=True)
class Switch:
    """A subscriber of Pro Haiku in the middle of a period, and the prices of Pro Sonnet at $20.00 a month."""

    shop: Shop
    customer: str
    subscription: str
    base: str
    tokens: list[str]
    middle: int

    def items(self) -> dict[str, str]:
        """The subscription's item ids by price."""
        found = self.shop.stripe.v1.subscriptions.retrieve(self.subscription)["items"].data
        return {item.price.id: item.id for item in found}

    def to_sonnet(self, **params: Any) -> stripe.Subscription:
        old = self.items()
        items: Any = [
            {"id": old[self.shop.base], "price": self.base},
            {"id": old[self.shop.input], "deleted": True},
            {"id": old[self.shop.output], "deleted": True},
            *({"price": price} for price in self.tokens),
        ]
        given: Any = {"items": items, "proration_date": self.middle, **params}
        return self.shop.stripe.v1.subscriptions.update(self.subscription, given)

    def invoices(self) -> list[list[tuple[str, int]]]:
        """Return description and amount of each invoice's lines, oldest invoice first."""
        found = self.shop.invoices(self.customer)
        return [[(str(line.description), line.amount) for line in invoice.lines.data] for invoice in found]


@pytest.fixture
def switch(shop: Shop) -> Switch:
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    item = subscription["items"].data[0]
    product = shop.stripe.v1.products.create({"name": "Pro Sonnet"})
    params: Any = {"currency": "usd", "product": product.id, "unit_amount": 2000, "recurring": {"interval": "month"}}
    tokens = [metered_price(shop.stripe, product.id, "sonnet_input", "0.0005")]
    middle = (item.current_period_start + item.current_period_end) // 2
    base = shop.stripe.v1.prices.create(params).id
    return Switch(shop, customer, subscription.id, base, tokens, middle)


def pending(switch: Switch) -> list[tuple[int, bool]]:
    """Return amount and `proration` of the pending invoice items, oldest first."""
    found = switch.shop.stripe.v1.invoice_items.list({"customer": switch.customer, "pending": True}).data
    return [(item.amount, item.proration) for item in reversed(found)]


def test_half_a_period_gives_half_the_old_base_back_and_takes_half_the_new(switch: Switch):
    switch.to_sonnet()

    assert pending(switch) == [(-500, True), (1000, True)]


def test_prorations_wait_for_the_next_invoice(switch: Switch):
    switch.to_sonnet()
    before = len(switch.invoices())

    switch.shop.sandbox.advance("1 month")

    lines = switch.invoices()[-1]
    assert before == 1
    assert [amount for _, amount in lines] == [-500, 1000, 2000, 0]
    assert [text.partition(" after ")[0] for text, _ in lines[:2]] == [
        "Unused time on Pro Haiku", "Remaining time on Pro Sonnet",
    ]  # fmt: skip
    assert pending(switch) == []


def test_usage_so_far_is_billed_at_the_price_it_was_used_at(switch: Switch):
    switch.shop.use(switch.customer, tokens=10_000_000)

    switch.to_sonnet()

    assert pending(switch) == [(-500, True), (1000, True), (1300, False)]


def test_always_invoice_bills_it_at_once(switch: Switch):
    switch.shop.use(switch.customer, tokens=10_000_000)

    switch.to_sonnet(proration_behavior="always_invoice")

    invoice = switch.shop.invoices(switch.customer)[-1]
    assert (invoice.total, invoice.status, invoice.billing_reason) == (1800, "paid", "subscription_update")
    assert pending(switch) == []


def test_always_invoice_of_nothing_makes_no_invoice(switch: Switch):
    switch.shop.stripe.v1.subscriptions.update(
        switch.subscription, {"items": [{"price": switch.tokens[0]}], "proration_behavior": "always_invoice"}
    )

    assert len(switch.invoices()) == 1


def test_none_drops_usage_and_prorations(switch: Switch):
    switch.shop.use(switch.customer, tokens=10_000_000)

    switch.to_sonnet(proration_behavior="none")
    switch.shop.sandbox.advance("1 month")

    assert [amount for _, amount in switch.invoices()[-1]] == [2000, 0]


def test_usage_after_the_switch_is_billed_at_the_new_price(switch: Switch):
    switch.to_sonnet(proration_behavior="none")
    switch.shop.use(switch.customer, event_name="sonnet_input", tokens=10_000)

    switch.shop.sandbox.advance("1 month")

    assert switch.invoices()[-1][-1][1] == 5


def test_usage_reported_for_a_removed_price_is_on_no_invoice(switch: Switch):
    switch.to_sonnet()
    switch.shop.use(switch.customer, event_name="haiku_input", tokens=10_000_000)

    switch.shop.sandbox.advance("1 month")

    assert 1300 not in [amount for _, amount in switch.invoices()[-1]]


def test_a_new_price_on_the_same_meter_counts_no_usage_twice(switch: Switch):
    old = switch.shop.stripe.v1.prices.retrieve(switch.shop.input)
    assert old.recurring is not None
    params: Any = {
        "currency": "usd", "product": switch.shop.product, "unit_amount": 1,
        "recurring": {"interval": "month", "usage_type": "metered", "meter": old.recurring.meter},
    }  # fmt: skip
    dearer = switch.shop.stripe.v1.prices.create(params).id
    switch.shop.use(switch.customer, tokens=10_000_000)

    switch.shop.stripe.v1.subscriptions.update(
        switch.subscription, {"items": [{"id": switch.items()[switch.shop.input], "price": dearer}]}
    )
    switch.shop.use(switch.customer, tokens=7)
    switch.shop.sandbox.advance("1 month")

    assert [amount for _, amount in switch.invoices()[-1]] == [1300, 1000, 7, 0]


def test_usage_reported_in_the_hour_of_grace_is_lost_where_the_price_changed(switch: Switch):
    end = switch.shop.stripe.v1.subscriptions.retrieve(switch.subscription)["items"].data[0].current_period_end
    switch.shop.sandbox.advance("to_period_end")
    switch.to_sonnet(proration_behavior="none", proration_date=end)
    switch.shop.use(switch.customer, tokens=10_000_000, timestamp=end - 1)

    switch.shop.sandbox.advance("1 hour")

    assert [amount for _, amount in switch.invoices()[-1]] == [1000, 0, 0]
    assert switch.shop.invoices(switch.customer)[-1].status == "paid"


def test_a_declined_switch_leaves_everything_as_it_was(switch: Switch):
    switch.shop.sandbox.control("POST", "/settings", {"decline_next_payments": 1})
    before = switch.items()

    with pytest.raises(stripe.CardError):
        switch.to_sonnet(proration_behavior="always_invoice", payment_behavior="error_if_incomplete")

    assert switch.items() == before
    assert len(switch.invoices()) == 1


def test_a_declined_switch_is_past_due_where_that_is_allowed(switch: Switch):
    switch.shop.sandbox.control("POST", "/settings", {"decline_next_payments": 1})

    switched = switch.to_sonnet(proration_behavior="always_invoice")

    assert switched.status == "past_due"
    assert switch.base in switch.items()


def test_default_incomplete_waits_for_the_customer_to_pay(switch: Switch):
    switched = switch.to_sonnet(proration_behavior="always_invoice", payment_behavior="default_incomplete")

    switch.shop.stripe.v1.invoices.pay(str(switched.latest_invoice))

    assert switched.status == "past_due"
    assert switch.shop.stripe.v1.subscriptions.retrieve(switch.subscription).status == "active"


def test_more_of_a_licensed_item_is_prorated_too(switch: Switch):
    item = switch.items()[switch.shop.base]

    changed = switch.shop.stripe.v1.subscription_items.update(item, {"quantity": 3, "proration_date": switch.middle})

    assert changed.quantity == 3
    assert pending(switch) == [(-500, True), (1500, True)]


def test_a_second_switch_gives_back_what_the_first_really_billed(switch: Switch):
    switch.to_sonnet()
    base = switch.items()[switch.base]

    switch.shop.stripe.v1.subscription_items.update(base, {"price": switch.shop.base, "proration_date": switch.middle})

    assert pending(switch) == [(-500, True), (1000, True), (-1000, True), (500, True)]


def test_items_can_be_added_and_taken_off_one_by_one(switch: Switch):
    api = switch.shop.stripe.v1.subscription_items

    added = api.create({"subscription": switch.subscription, "price": switch.tokens[0]})
    gone = api.delete(switch.items()[switch.shop.output])

    assert gone.deleted
    assert set(switch.items()) == {switch.shop.base, switch.shop.input, switch.tokens[0]}
    assert api.retrieve(added.id).price.id == switch.tokens[0]


def test_one_event_tells_of_a_switch_and_of_what_was_before(switch: Switch):
    switch.to_sonnet()

    events = switch.shop.sandbox.control("GET", "/events?type=customer.subscription.updated")["events"]
    before = events[0]["data"]["previous_attributes"]["items"]["data"]
    assert [item["price"]["id"] for item in before] == [switch.shop.base, switch.shop.input, switch.shop.output]


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([{"id": "si_none", "deleted": True}], "No such subscription_item"),
        ([{"deleted": True}], "Missing required param: items"),
        ([{"price": "base"}], "same price twice"),
        ([{"id": "input", "quantity": 3}], "Quantity should not be specified"),
        ([{"id": name, "deleted": True} for name in ("base", "input", "output")], "at least one active item"),
    ],
)
def test_refuses_changes_that_cannot_be(switch: Switch, items: list[dict[str, Any]], says: str):
    prices = {"base": switch.shop.base, "input": switch.shop.input, "output": switch.shop.output}
    ids = {name: switch.items()[price] for name, price in prices.items()}
    given: Any = [
        {**item, **({"id": ids.get(item["id"], item["id"])} if "id" in item else {}),
         **({"price": prices[item["price"]]} if "price" in item else {})}
        for item in items
    ]  # fmt: skip

    with pytest.raises(stripe.InvalidRequestError, match=says):
        switch.shop.stripe.v1.subscriptions.update(switch.subscription, {"items": given})


def test_refuses_a_proration_date_of_another_period(switch: Switch):
    with pytest.raises(stripe.InvalidRequestError, match="proration_date"):
        switch.to_sonnet(proration_date=switch.middle - 40 * 24 * 3600)


def test_refuses_to_change_what_was_never_paid(shop: Shop):
    subscription = shop.subscribe(shop.customer(card=None), payment_behavior="default_incomplete")
    item = subscription["items"].data[0].id

    with pytest.raises(stripe.InvalidRequestError, match="`incomplete`"):
        shop.stripe.v1.subscriptions.update(subscription.id, {"items": [{"id": item, "quantity": 2}]})


def test_cancelling_with_prorate_gives_the_unused_time_back(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)

    shop.stripe.v1.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})

    given_back = shop.stripe.v1.customers.retrieve(customer).balance
    assert given_back is not None
    assert -1000 <= given_back <= -999
