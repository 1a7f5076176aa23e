"""The dashboard over HTTP: it shows what there is, links it together, and its buttons work."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.flows.waiting import becomes, stays
from tests.sandbox.browsing import crawl, read, send
from tests.sandbox.conftest import Receiver
from tests.sandbox.running import Running, http_call
from tests.sandbox.shop import Shop
from tests.sandbox.stripe_api.metering.test_v2_meter_events import stream_client

PAGES = (
    "", "customers", "subscriptions", "invoices", "meters", "products", "events", "requests", "faults", "claude",
)  # fmt: skip


@pytest.fixture
def busy_shop(shop: Shop, receiver: Receiver) -> Shop:
    """A month in the life of a shop: somebody pays, somebody does not, somebody leaves."""
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    buyer = shop.customer()
    bought = shop.subscribe(buyer)
    shop.use(buyer, tokens=5000)
    shop.use(buyer, event_name="haiku_output", tokens=2000)
    shop.subscribe(shop.customer(card="pm_card_chargeCustomerFail"))
    leaver = shop.customer()
    shop.stripe.v1.subscriptions.cancel(shop.subscribe(leaver).id)
    shop.stripe.v1.customers.delete(leaver)
    shop.subscribe(shop.customer(), trial_period_days=14)
    owe_odd_things(shop, buyer, bought)
    http_call("POST", f"{shop.sandbox.url}/v1/messages", body=b"{}", headers={"x-api-key": "sk-ant-sandbox"})
    shop.sandbox.advance("1 month")
    # No draft is finalized whose event was not answered.
    becomes(lambda: shop.sandbox.control("GET", "/health")["webhooks_pending"], 0, within_s=10)
    shop.sandbox.advance("1 hour")
    return shop


def owe_odd_things(shop: Shop, buyer: str, bought: stripe.Subscription) -> None:
    """Put the rarer lines on the next invoice: a proration, an item by hand, credits."""
    two: Any = {"items": [{"id": bought["items"].data[0].id, "quantity": 2}]}
    shop.stripe.v1.subscriptions.update(bought.id, two)
    shop.stripe.v1.invoice_items.create({"customer": buyer, "amount": 499, "currency": "usd", "description": "By hand"})
    money = {"type": "monetary", "monetary": {"currency": "usd", "value": 1}}
    metered = {"scope": {"price_type": "metered"}}
    credit: Any = {"customer": buyer, "amount": money, "applicability_config": metered}
    shop.stripe.v1.billing.credit_grants.create(credit)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_when_there_is_nothing(sandbox: Running, name: str):
    page = read(f"{sandbox.url}/dashboard/{name}" if name else f"{sandbox.url}/")

    assert page.status == 200
    assert 'class="empty' in page.html


def test_every_link_leads_to_a_page(busy_shop: Shop):
    pages = crawl(f"{busy_shop.sandbox.url}/")

    broken = [page.url for page in pages if page.status != 200]
    assert broken == []
    assert len(pages) > 80


def test_pages_load_nothing_from_elsewhere(busy_shop: Shop):
    pages = [read(f"{busy_shop.sandbox.url}/dashboard/{name}") for name in PAGES if name]

    assets = {asset for page in pages for asset in page.assets}
    assert assets
    assert all(asset.startswith(f"{busy_shop.sandbox.url}/static/") for asset in assets)
    assert {http_call("GET", asset).status for asset in assets} == {200}


def test_clock_buttons_move_the_clock(busy_shop: Shop):
    before = busy_shop.sandbox.control("GET", "/clock")["offset_s"]

    answer = send(f"{busy_shop.sandbox.url}/dashboard/clock", advance="1 hour", back="/dashboard/invoices")

    assert (answer.status, answer.headers["location"]) == (303, "/dashboard/invoices")
    assert busy_shop.sandbox.control("GET", "/clock")["offset_s"] == pytest.approx(before + 3600, abs=1)


def test_a_month_later_time_runs_on_until_invoices_are_collected(shop: Shop):
    shop.subscribe(shop.customer())
    send(f"{shop.sandbox.url}/dashboard/clock", advance="1 month", back="/")
    (draft,) = shop.stripe.v1.invoices.list({"status": "draft"}).data
    began = shop.sandbox.control("GET", "/clock")["offset_s"]
    becomes(lambda: shop.sandbox.control("GET", "/clock")["offset_s"] > began, True, within_s=5)

    shop.stripe.v1.invoices.finalize_invoice(draft.id, {"auto_advance": True})  # as an application that held it

    becomes(lambda: shop.stripe.v1.invoices.retrieve(draft.id).status, "paid", within_s=5)
    stays(lambda: shop.sandbox.control("GET", "/clock")["offset_s"], for_s=1)


def test_clock_leads_back_to_its_own_pages_alone(sandbox: Running):
    answer = send(f"{sandbox.url}/dashboard/clock", advance="1 hour", back="//elsewhere.example")

    assert answer.headers["location"] == "/"


def test_clock_says_what_it_cannot_do(sandbox: Running):
    answer = send(f"{sandbox.url}/dashboard/clock", advance="to_period_end")

    assert answer.status == 400
    assert "no running subscription" in answer.body.decode()


def test_overview_says_what_is_due(shop: Shop):
    subscription = shop.subscribe(shop.customer())

    page = read(f"{shop.sandbox.url}/")

    assert "A billing period ends" in page.text
    assert f"{shop.sandbox.url}/dashboard/objects/{subscription.id}" in page.links


def test_subscription_shows_usage_exactly_and_as_stripe_rounds_it(shop: Shop):
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.use(customer, tokens=5000)
    shop.use(customer, event_name="haiku_output", tokens=2000)

    page = read(f"{shop.sandbox.url}/dashboard/subscriptions/{subscription.id}")

    assert "5,000 so far" in page.text
    assert "$0.0065 → $0.01" in page.text
    assert "$0.013 → $0.01" in page.text


def test_invoice_shows_its_lines_and_declined_attempts(busy_shop: Shop):
    declined = busy_shop.stripe.v1.invoices.list({"status": "void"}).data[0]

    page = read(f"{busy_shop.sandbox.url}/dashboard/invoices/{declined.id}")

    assert "Your card was declined." in page.text
    assert "1 × Pro Haiku (at $10.00 / month)" in page.text


def test_invoice_shows_prorations_items_by_hand_and_credits(busy_shop: Shop):
    customer = busy_shop.stripe.v1.subscriptions.list({"status": "active"}).data[-1].customer
    invoice = busy_shop.invoices(str(customer))[-1]

    page = read(f"{busy_shop.sandbox.url}/dashboard/invoices/{invoice.id}")
    printed = read(str(invoice.hosted_invoice_url))

    for shown in (page, printed):
        assert "Unused time on Pro Haiku" in shown.text
        assert "By hand" in shown.text
        assert "Credits applied -$0.01" in shown.text
        assert f"Amount paid -{amount(invoice.amount_paid)}" in shown.text


def amount(cents: int) -> str:
    return f"${cents / 100:.2f}"


def test_thin_events_have_a_page(shop: Shop):
    unknown: Any = {"event_name": "nothing", "payload": {"stripe_customer_id": "cus_x", "value": "1"}}
    stream_client(shop).v2.billing.meter_event_stream.create({"events": [unknown]})
    shop.sandbox.advance("10 seconds")

    listed = read(f"{shop.sandbox.url}/dashboard/events")
    shown = read(next(link for link in listed.links if "/evt_test_" in link))

    assert "v1.billing.meter.no_meter_found" in listed.text
    assert "no_meter" in shown.text


def test_meter_lists_its_events(shop: Shop):
    customer = shop.customer()
    shop.use(customer, tokens=1234, identifier="usage-1")
    meter = next(each for each in shop.stripe.v1.billing.meters.list().data if each.event_name == "haiku_input")

    page = read(f"{shop.sandbox.url}/dashboard/meters/{meter.id}")

    assert "1,234 in 1 event" in page.text
    assert "usage-1" in page.text


def test_meter_events_come_in_pages(shop: Shop):
    customer = shop.customer()
    for number in range(60):
        shop.use(customer, tokens=number, identifier=f"usage-{number}")
    meter = next(each for each in shop.stripe.v1.billing.meters.list().data if each.event_name == "haiku_input")

    first = read(f"{shop.sandbox.url}/dashboard/meters/{meter.id}")
    second = read(next(link for link in first.links if "before=" in link))

    assert [f"usage-{number}" in first.text for number in (59, 10, 9, 0)] == [True, True, False, False]
    assert [f"usage-{number}" in second.text for number in (59, 10, 9, 0)] == [False, False, True, True]


def test_event_shows_its_deliveries_and_replays_them(shop: Shop, receiver: Receiver):
    shop.stripe.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    shop.customer(card=None)
    event = receiver.wait_for("customer.created")
    url = f"{shop.sandbox.url}/dashboard/events/{event['id']}"

    page = read(url)
    receiver.received.clear()
    answer = send(f"{url}/replay")
    again = receiver.wait_for("customer.created")

    assert receiver.url in page.text
    assert answer.status == 303
    assert again["id"] == event["id"]


def test_requests_show_parameters_and_answers(shop: Shop):
    shop.stripe.v1.customers.create({"email": "seen@example.com"})
    listed = read(f"{shop.sandbox.url}/dashboard/requests?only=writes")
    newest = next(link for link in listed.links if "/dashboard/requests/req_" in link)

    page = read(newest)

    assert '"email": "seen@example.com"' in page.text
    assert '"object": "customer"' in page.text
    assert "sandboxsand" not in page.text


def test_failed_requests_can_be_picked_out(shop: Shop):
    shop.sandbox.call("GET", "/v1/customers/cus_nobody")

    page = read(f"{shop.sandbox.url}/dashboard/requests?only=failed")

    assert "1 request" in page.text
    assert "/v1/customers/cus_nobody" in page.text


def test_claude_page_shows_what_was_served(busy_shop: Shop):
    page = read(f"{busy_shop.sandbox.url}/dashboard/claude")

    assert "invalid_request_error" in page.text


def test_reset_forgets_everything(busy_shop: Shop):
    answer = send(f"{busy_shop.sandbox.url}/dashboard/reset")

    assert answer.status == 303
    assert busy_shop.stripe.v1.customers.list().data == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/dashboard/reset", "/_sandbox/reset"])
def test_pages_of_other_sites_may_press_no_button(busy_shop: Shop, site: str, path: str):
    answer = http_call("POST", f"{busy_shop.sandbox.url}{path}", body=b"", headers={"Sec-Fetch-Site": site})

    assert answer.status == 403
    assert busy_shop.stripe.v1.customers.list().data


@pytest.mark.parametrize(
    "path",
    ["customers/cus_x", "subscriptions/sub_x", "invoices/in_x", "meters/m", "events/e", "requests/r", "objects/o"],
)
def test_knows_nothing_of_that_name(sandbox: Running, path: str):
    page = read(f"{sandbox.url}/dashboard/{path}")

    assert page.status == 404
    assert "No such" in page.text


def test_what_customers_write_is_text_on_every_page(shop: Shop):
    attack = "<script>alert(1)</script>"
    customer = shop.stripe.v1.customers.create({"email": "a@b.example", "name": attack, "metadata": {"note": attack}})

    pages = [
        read(f"{shop.sandbox.url}/dashboard/{path}") for path in ("customers", f"customers/{customer.id}", "events")
    ]

    assert all("<script>alert" not in page.html for page in pages)
    assert attack in pages[1].text
