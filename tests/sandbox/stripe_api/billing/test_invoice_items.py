"""Invoice items, invoices made by hand, and the customer's balance."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.shop import Shop


def item(shop: Shop, customer: str, amount: int = 500, **params: Any) -> stripe.InvoiceItem:
    given: Any = {"customer": customer, "amount": amount, "currency": "usd", **params}
    return shop.stripe.v1.invoice_items.create(given)


def balance(shop: Shop, customer: str) -> int | None:
    return shop.stripe.v1.customers.retrieve(customer).balance


def test_an_item_is_on_the_next_invoice_of_the_subscription_and_on_no_other(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    item(shop, customer, subscription=subscription.id, description="Usage of March, late")

    shop.sandbox.advance("2 months")
    shop.sandbox.advance("1 hour")

    assert [invoice.total for invoice in shop.invoices(customer)] == [1000, 1500, 1000]
    assert shop.invoices(customer)[1].lines.data[0].description == "Usage of March, late"


def test_an_item_of_one_subscription_is_not_on_the_invoice_of_another(shop: Shop):
    customer = shop.customer()
    first = shop.subscribe(customer)
    item(shop, customer, subscription=first.id)

    shop.subscribe(customer)

    assert [invoice.total for invoice in shop.invoices(customer)] == [1000, 1000]


def test_an_item_of_no_subscription_is_on_the_first_invoice_of_a_new_one(shop: Shop):
    customer = shop.customer()
    item(shop, customer)

    shop.subscribe(customer)

    assert shop.invoices(customer)[0].total == 1500


def test_an_item_takes_a_quantity_and_a_decimal_price(shop: Shop):
    made = shop.stripe.v1.invoice_items.create(
        {"customer": shop.customer(), "currency": "usd", "quantity": 30, "unit_amount_decimal": "0.05"}  # type: ignore[typeddict-item]
    )

    assert (made.amount, made.quantity) == (2, 30)


def test_an_item_takes_a_one_time_price(shop: Shop):
    price = shop.stripe.v1.prices.create({"currency": "usd", "product": shop.product, "unit_amount": 700})
    params: Any = {"customer": shop.customer(), "pricing": {"price": price.id}, "quantity": 2}

    assert shop.stripe.v1.invoice_items.create(params).amount == 1400


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": None}, "One of amount"),
        ({"currency": "eur"}, "cannot combine currencies"),
        ({"quantity": 2}, "cannot be combined"),
        ({"subscription": "sub_none"}, "No such subscription"),
        ({"customer": "cus_none"}, "No such customer"),
        ({"pricing": {"price": "base"}, "amount": None}, "type=recurring"),
    ],
)
def test_refuses_items_that_cannot_be(shop: Shop, change: dict[str, Any], says: str):
    customer = shop.customer()
    shop.subscribe(customer)
    if "pricing" in change:
        change = {**change, "pricing": {"price": shop.base}}
    given: Any = {"customer": customer, "amount": 500, "currency": "usd", **change}

    with pytest.raises(stripe.InvalidRequestError, match=says):
        shop.stripe.v1.invoice_items.create({name: value for name, value in given.items() if value is not None})


def test_a_pending_item_can_be_changed_and_deleted(shop: Shop):
    customer = shop.customer()
    first, second = item(shop, customer), item(shop, customer)

    changed = shop.stripe.v1.invoice_items.update(first.id, {"amount": 900, "description": "more"})
    shop.stripe.v1.invoice_items.delete(second.id)

    assert (changed.amount, changed.description) == (900, "more")
    assert [one.id for one in shop.stripe.v1.invoice_items.list({"pending": True}).data] == [first.id]


def test_an_item_of_a_finalized_invoice_cannot_be_changed(shop: Shop):
    customer = shop.customer()
    made = item(shop, customer)
    shop.subscribe(customer)

    with pytest.raises(stripe.InvalidRequestError, match="finalized"):
        shop.stripe.v1.invoice_items.update(made.id, {"amount": 1})


def test_an_invoice_by_hand_is_drafted_edited_finalized_and_paid(shop: Shop):
    customer = shop.customer()
    item(shop, customer)
    api = shop.stripe.v1.invoices
    draft = api.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    late = item(shop, customer, 200, invoice=draft.id)

    shop.stripe.v1.invoice_items.update(late.id, {"amount": 300})
    edited = api.update(str(draft.id), {"description": "Thanks", "metadata": {"a": "b"}})
    paid = api.pay(str(api.finalize_invoice(str(draft.id)).id))

    assert (draft.total, edited.total, edited.description, paid.total, paid.status) == (500, 800, "Thanks", 800, "paid")


def test_an_invoice_by_hand_takes_nothing_pending_unless_asked(shop: Shop):
    customer = shop.customer()
    item(shop, customer)

    assert shop.stripe.v1.invoices.create({"customer": customer}).total == 0


def test_deleting_a_draft_lets_its_items_wait_again(shop: Shop):
    customer = shop.customer()
    item(shop, customer)
    draft = shop.stripe.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})

    shop.stripe.v1.invoices.delete(str(draft.id))

    assert len(shop.stripe.v1.invoice_items.list({"pending": True}).data) == 1


def test_an_invoice_that_advances_by_itself_is_paid_after_an_hour(shop: Shop):
    customer = shop.customer()
    item(shop, customer)
    params: Any = {"customer": customer, "pending_invoice_items_behavior": "include", "auto_advance": True}
    draft = shop.stripe.v1.invoices.create(params)

    shop.sandbox.advance("1 hour")

    assert shop.stripe.v1.invoices.retrieve(str(draft.id)).status == "paid"


def test_an_invoice_to_be_sent_has_a_date_and_is_not_charged(shop: Shop):
    customer = shop.customer()
    item(shop, customer)
    params: Any = {"customer": customer, "pending_invoice_items_behavior": "include",
                   "collection_method": "send_invoice", "days_until_due": 30}  # fmt: skip
    draft = shop.stripe.v1.invoices.create(params)

    sent = shop.stripe.v1.invoices.send_invoice(str(draft.id))
    shop.sandbox.advance("1 day")

    assert sent.due_date == pytest.approx(sent.created + 30 * 24 * 3600, abs=5)
    assert shop.stripe.v1.invoices.retrieve(str(draft.id)).status == "open"
    assert shop.sandbox.control("GET", "/events?type=invoice.sent")["events"]


def test_a_negative_total_becomes_the_customers_credit_for_the_next_invoice(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    item(shop, customer, -1300, subscription=subscription.id)

    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    between = balance(shop, customer)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    _, credited, after = shop.invoices(customer)
    assert (credited.total, credited.amount_due, credited.status) == (-300, 0, "paid")
    assert (after.total, after.starting_balance, after.amount_due) == (1000, -300, 700)
    assert (between, balance(shop, customer)) == (-300, 0)


def test_less_than_50_cents_is_not_charged_but_owed_with_the_next_invoice(shop: Shop):
    customer = shop.customer()
    item(shop, customer, 49)
    draft = shop.stripe.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})

    small = shop.stripe.v1.invoices.finalize_invoice(str(draft.id))
    owed = balance(shop, customer)
    shop.subscribe(customer)

    assert (small.total, small.amount_due, small.status, owed) == (49, 0, "paid", 49)
    assert shop.invoices(customer)[-1].amount_due == 1049


def test_a_voided_invoice_gives_back_the_balance_it_took(shop: Shop):
    customer = shop.customer(card="pm_card_chargeCustomerFail")
    shop.stripe.v1.customers.update(customer, {"balance": -300})
    subscription = shop.subscribe(customer)
    taken = balance(shop, customer)

    shop.stripe.v1.invoices.void_invoice(str(subscription.latest_invoice))

    assert (taken, balance(shop, customer)) == (0, -300)
    kinds = [one.type for one in shop.stripe.v1.customers.balance_transactions.list(customer).data]
    assert kinds == ["unapplied_from_invoice", "applied_to_invoice", "adjustment"]
