"""The customer portal's pages, without scripts: the actions that customers have, and the refused ones."""

from __future__ import annotations

from typing import Any

import stripe

from tests.sandbox.browsing import Page, crawl, parsed, read, send
from tests.sandbox.conftest import Receiver
from tests.sandbox.shop import Shop

CARD = {"email": "b@example.com", "number": "5555555555554444", "expiry": "12 / 40", "cvc": "123", "name": "B. Buyer"}


def open_portal(shop: Shop, customer: str, **params: Any) -> str:
    given: Any = {"customer": customer, "return_url": "https://shop.example/account", **params}
    return shop.stripe.v1.billing_portal.sessions.create(given).url


def act(url: str, **fields: str) -> Page:
    """Send a form and show where it leads."""
    answer = send(url, **fields)
    return read_answer(url, answer.headers["location"]) if answer.status == 303 else parsed(url, answer)


def read_answer(url: str, location: str) -> Page:
    return read(location if "://" in location else url.partition("/p/")[0] + location)


def subscription_of(shop: Shop, subscription: str) -> stripe.Subscription:
    return shop.stripe.v1.subscriptions.retrieve(subscription)


def test_shows_plan_card_details_and_invoices(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)

    page = read(open_portal(shop, customer))

    assert "$10.00 per month + usage" in page.text
    assert "Your next billing date is" in page.text
    assert "Visa •••• 4242 Default" in page.text
    assert "buyer@example.com" in page.text
    assert any("/invoice/in_" in link for link in page.links)
    assert "https://shop.example/account" in page.links


def test_stands_when_there_is_nothing(shop: Shop):
    page = read(open_portal(shop, shop.customer(card=None)))

    assert page.status == 200
    assert "You have no plan." in page.text
    assert "No card is saved." in page.text
    assert "No invoice yet." in page.text


def test_every_link_leads_to_a_page(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer)

    pages = crawl(open_portal(shop, customer))

    assert {page.status for page in pages} == {200}
    assert len(pages) >= 5


def test_canceling_notes_cancel_at_as_stripes_portal_does_in_flexible_mode(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    url = open_portal(shop, customer)

    page = act(f"{url}/subscriptions/{subscription.id}/cancel", feedback="too_expensive", comment="Sorry")

    after = subscription_of(shop, subscription.id)
    assert "Your subscription ends on" in page.text
    assert after.cancel_at == after["items"].data[0].current_period_end
    assert not after.cancel_at_period_end
    assert after.cancellation_details
    assert (after.cancellation_details.feedback, after.cancellation_details.comment) == ("too_expensive", "Sorry")


def test_a_canceled_plan_ends_with_its_period_and_its_usage_is_billed(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    send(f"{open_portal(shop, customer)}/subscriptions/{subscription.id}/cancel")
    shop.use(customer, tokens=3847)

    shop.sandbox.advance("to_period_end")
    shop.sandbox.advance("1 hour")

    assert subscription_of(shop, subscription.id).status == "canceled"
    assert [invoice.total for invoice in shop.invoices(customer)] == [1000, 1]


def test_a_cancellation_can_be_taken_back(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    url = open_portal(shop, customer)
    send(f"{url}/subscriptions/{subscription.id}/cancel")

    page = act(f"{url}/subscriptions/{subscription.id}/keep")

    assert "Your next billing date is" in page.text
    assert subscription_of(shop, subscription.id).cancel_at is None
    shop.sandbox.advance("to_period_end")
    assert subscription_of(shop, subscription.id).status == "active"


def test_cancels_at_once_where_the_configuration_says_so(shop: Shop):
    features: Any = {"subscription_cancel": {"enabled": True, "mode": "immediately"}}
    own = shop.stripe.v1.billing_portal.configurations.create({"features": features})
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    url = open_portal(shop, customer, configuration=own.id)

    asked = read(f"{url}/subscriptions/{subscription.id}/cancel")
    send(f"{url}/subscriptions/{subscription.id}/cancel")

    assert "your plan ends now" in asked.text
    assert subscription_of(shop, subscription.id).status == "canceled"


def test_canceling_at_once_gives_back_the_rest_where_the_configuration_says_so(shop: Shop):
    rules = {"enabled": True, "mode": "immediately", "proration_behavior": "create_prorations"}
    features: Any = {"subscription_cancel": rules}
    own = shop.stripe.v1.billing_portal.configurations.create({"features": features})
    customer = shop.customer()
    subscription = shop.subscribe(customer)

    send(f"{open_portal(shop, customer, configuration=own.id)}/subscriptions/{subscription.id}/cancel")

    credited = shop.stripe.v1.invoice_items.list({"customer": customer}).data
    assert [item.amount < 0 for item in credited] == [True]


def test_says_when_a_trial_ends(shop: Shop):
    customer = shop.customer()
    shop.subscribe(customer, trial_period_days=14)

    assert "Your free trial ends on" in read(open_portal(shop, customer)).text


def test_details_are_changed(shop: Shop):
    customer = shop.customer()
    url = f"{open_portal(shop, customer)}/details"

    page = act(
        url, name="Ada Lovelace", email="ada@example.com", line1="12 St James's Square", city="London", country="GB"
    )

    changed = shop.stripe.v1.customers.retrieve(customer)
    assert "12 St James's Square, London, GB" in page.text
    assert (changed.name, changed.email) == ("Ada Lovelace", "ada@example.com")
    assert changed.address
    assert (changed.address.city, changed.address.state) == ("London", None)


def test_wrong_details_are_shown_again(shop: Shop):
    customer = shop.customer()

    page = act(f"{open_portal(shop, customer)}/details", email="nobody", name="Ada")

    assert page.status == 400
    assert "Invalid email address: nobody" in page.text
    assert 'value="Ada"' in page.html
    assert shop.stripe.v1.customers.retrieve(customer).email == "buyer@example.com"


def test_features_that_are_off_are_neither_shown_nor_done(shop: Shop):
    own = shop.stripe.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    url = open_portal(shop, customer, configuration=own.id)

    page = read(url)
    cards = [read(f"{url}/cards/new"), act(f"{url}/cards/new", **CARD)]
    canceled = act(f"{url}/subscriptions/{subscription.id}/cancel")

    assert "Cancel plan" not in page.text
    assert "Payment method" not in page.text
    assert {refused.status for refused in (*cards, canceled)} == {403}
    assert subscription_of(shop, subscription.id).cancel_at is None


def test_another_customers_things_are_out_of_reach(shop: Shop):
    victim = shop.customer()
    subscription = shop.subscribe(victim)
    card = shop.stripe.v1.payment_methods.list({"customer": victim}).data[0].id
    url = open_portal(shop, shop.customer())

    answers = [
        send(f"{url}/subscriptions/{subscription.id}/cancel"),
        send(f"{url}/cards/{card}/remove"),
        send(f"{url}/cards/{card}/default"),
    ]

    assert {answer.status for answer in answers} == {400}
    assert subscription_of(shop, subscription.id).cancel_at is None
    assert shop.stripe.v1.payment_methods.list({"customer": victim}).data


def test_a_link_lasts_five_minutes_unvisited(shop: Shop):
    url = open_portal(shop, shop.customer())

    shop.sandbox.advance("6 minutes")

    assert read(url).status == 404
    assert read(url[:-1] + "x").status == 404


def test_a_link_lasts_an_hour_after_each_visit(shop: Shop):
    url = open_portal(shop, shop.customer())
    read(url)

    shop.sandbox.advance("50 minutes")
    visited = read(url)
    shop.sandbox.advance("50 minutes")
    visited_again = read(url)
    shop.sandbox.advance("61 minutes")

    assert (visited.status, visited_again.status, read(url).status) == (200, 200, 404)


def test_customers_on_a_test_clock_are_in_their_own_time(shop: Shop):
    clock = shop.stripe.v1.test_helpers.test_clocks.create({"frozen_time": 1_700_000_000})
    customer = shop.stripe.v1.customers.create({"email": "past@example.com", "test_clock": clock.id}).id
    url = open_portal(shop, customer)

    send(f"{url}/cards/new", **CARD)
    subscription = shop.subscribe(customer)
    page = read(url)

    assert subscription.status == "active"
    assert "Your next billing date is 14 December 2023." in page.text
    assert shop.stripe.v1.payment_methods.list({"customer": customer}).data[0].created == 1_700_000_000


def test_a_flow_begins_on_its_page_and_ends_where_it_says(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    after: Any = {"type": "redirect", "redirect": {"return_url": "https://shop.example/gone"}}
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    url = open_portal(shop, customer, flow_data={**flow, "after_completion": after})

    begun = crawl(url)[0]
    ended = send(f"{url}/subscriptions/{subscription.id}/cancel")

    assert "Cancel your plan" in begun.text
    assert ended.headers["location"] == "https://shop.example/gone"
    assert read(url).status == 200


def test_a_flow_may_end_with_a_confirmation(shop: Shop):
    after: Any = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you"}}
    url = open_portal(shop, shop.customer(), flow_data={"type": "payment_method_update", "after_completion": after})

    page = act(f"{url}/cards/new", **CARD)

    assert "See you" in page.text


def test_webhooks_tell_of_what_was_done(shop: Shop, receiver: Receiver):
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    url = open_portal(shop, customer)
    receiver.wait_for("billing_portal.session.created")
    receiver.received.clear()

    send(f"{url}/subscriptions/{subscription.id}/cancel")

    told = receiver.wait_for("customer.subscription.updated")
    assert told["data"]["object"]["cancel_at"]
    assert told["data"]["previous_attributes"]["cancel_at"] is None
