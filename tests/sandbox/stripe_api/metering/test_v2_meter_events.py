"""Version 2 of the meter event API, adjustments, and the thin events that tell of errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import Receiver
from tests.sandbox.contract import problems
from tests.sandbox.running import KEY, Running, http_call
from tests.sandbox.shop import Shop


def event(customer: str, value: str = "5", **changes: Any) -> Any:
    return {
        "event_name": "haiku_input",
        "payload": {"stripe_customer_id": customer, "value": value},
        **changes,
    }


def stream_client(shop: Shop) -> StripeClient:
    """A client that holds the token of a new session."""
    session = shop.stripe.v2.billing.meter_event_session.create()
    url = shop.sandbox.url
    return StripeClient(session.authentication_token, base_addresses={"api": url, "meter_events": url})


def total(shop: Shop, customer: str) -> int:
    totals = shop.sandbox.control("GET", f"/meter_totals?customer={customer}")["totals"]
    return sum(entry["value"] for entry in totals)


def post(sandbox: Running, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return http_call("POST", f"{sandbox.url}{path}", body=json.dumps(body).encode(), headers=headers).json()


def test_counts_an_event(shop: Shop):
    customer = shop.customer()

    made = shop.stripe.v2.billing.meter_events.create(event(customer, identifier="one"))

    assert (made.identifier, made.object) == ("one", "v2.billing.meter_event")
    assert total(shop, customer) == 5


def test_shares_identifiers_with_version_1(shop: Shop):
    customer = shop.customer()
    shop.use(customer, tokens=5, identifier="one")

    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.stripe.v2.billing.meter_events.create(event(customer, identifier="one"))


def test_reads_timestamps_as_text(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError, match="35 days"):
        shop.stripe.v2.billing.meter_events.create(event(shop.customer(), timestamp="2020-01-01T00:00:00Z"))


def test_a_stream_takes_a_hundred_events_in_one_request(shop: Shop):
    customer = shop.customer()
    client = stream_client(shop)

    client.v2.billing.meter_event_stream.create({"events": [event(customer)] * 100})

    assert total(shop, customer) == 500


def test_a_stream_takes_no_more_than_a_hundred(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError, match="100"):
        stream_client(shop).v2.billing.meter_event_stream.create({"events": [event("cus_x")] * 101})


def test_a_stream_counts_an_identifier_once(shop: Shop):
    customer = shop.customer()

    stream_client(shop).v2.billing.meter_event_stream.create({"events": [event(customer, identifier="one")] * 2})

    assert total(shop, customer) == 5


def test_a_session_is_over_after_15_minutes(shop: Shop):
    client = stream_client(shop)
    shop.sandbox.advance("15 minutes")

    with pytest.raises(stripe.TemporarySessionExpiredError):
        client.v2.billing.meter_event_stream.create({"events": [event(shop.customer())]})


def test_a_secret_key_does_not_open_the_stream(shop: Shop):
    with pytest.raises(stripe.TemporarySessionExpiredError):
        shop.stripe.v2.billing.meter_event_stream.create({"events": [event("cus_x")]})


def test_takes_json_alone(shop: Shop):
    answer = shop.sandbox.call("POST", "/v2/billing/meter_events", {"event_name": "haiku_input"})

    assert answer.status == 400
    assert "application/json" in answer.json()["error"]["message"]


def test_an_adjustment_takes_an_event_back(shop: Shop):
    customer = shop.customer()
    shop.use(customer, tokens=5, identifier="one")
    shop.use(customer, tokens=7, identifier="two")

    adjusted = shop.stripe.v1.billing.meter_event_adjustments.create(
        {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "one"}}
    )

    assert adjusted.status == "complete"
    assert total(shop, customer) == 7


def test_version_2_takes_an_event_back_too(shop: Shop):
    customer = shop.customer()
    shop.use(customer, tokens=5, identifier="one")

    shop.stripe.v2.billing.meter_event_adjustments.create(
        {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "one"}}
    )

    assert total(shop, customer) == 0


def test_an_adjustment_after_a_day_is_too_late(shop: Shop):
    shop.use(shop.customer(), tokens=5, identifier="one")
    shop.sandbox.advance("1 day")

    with pytest.raises(stripe.InvalidRequestError, match="within 24 hours"):
        shop.stripe.v1.billing.meter_event_adjustments.create(
            {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "one"}}
        )


def test_an_adjustment_of_an_unknown_event_is_refused(shop: Shop):
    with pytest.raises(stripe.InvalidRequestError, match="No meter event"):
        shop.stripe.v1.billing.meter_event_adjustments.create(
            {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "none"}}
        )


def test_an_adjustment_changes_no_finalized_invoice(shop: Shop):
    customer = shop.customer()
    end = shop.subscribe(customer)["items"].data[0].current_period_end
    shop.sandbox.advance("to_period_end")
    shop.use(customer, tokens=10_000_000, timestamp=end - 1, identifier="one")
    shop.sandbox.advance("1 hour")

    shop.stripe.v1.billing.meter_event_adjustments.create(
        {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "one"}}
    )

    assert shop.invoices(customer)[-1].total == 2300


@pytest.fixture
def destination(shop: Shop, receiver: Receiver) -> Any:
    return shop.stripe.v2.core.event_destinations.create(
        {
            "name": "meter errors",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"],
            "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
            "webhook_endpoint": {"url": receiver.url},
        }
    )


def test_wrong_events_of_a_stream_are_told_by_a_signed_thin_event(shop: Shop, destination: Any, receiver: Receiver):
    customer = shop.customer()
    wrong = [event("cus_none", identifier="a"), event(customer, "x", identifier="b"), event(customer, "y")]

    stream_client(shop).v2.billing.meter_event_stream.create({"events": [*wrong, event(customer)]})
    shop.sandbox.advance("10 seconds")

    receiver.wait_for("v1.billing.meter.error_report_triggered")
    signature, body = receiver.received[0]
    notice: Any = shop.stripe.parse_event_notification(body, signature, destination.webhook_endpoint.signing_secret)
    told = notice.fetch_event()
    assert [(kind.code, kind.error_count) for kind in told.data.reason.error_types] == [
        ("meter_event_customer_not_found", 1),
        ("meter_event_invalid_value", 2),
    ]
    assert told.data.reason.error_types[0].sample_errors[0]["request"]["identifier"] == "a"
    assert notice.fetch_related_object().event_name == "haiku_input"
    assert "data" not in json.loads(body)
    assert total(shop, customer) == 5


def test_an_event_without_a_meter_is_told_too(shop: Shop, destination: Any, receiver: Receiver):
    stream_client(shop).v2.billing.meter_event_stream.create({"events": [event("cus_x", event_name="nothing")]})
    shop.sandbox.advance("10 seconds")

    notice = receiver.wait_for("v1.billing.meter.no_meter_found")

    told = shop.sandbox.call("GET", f"/v2/core/events/{notice['id']}").json()
    assert told["data"]["reason"]["error_types"][0]["code"] == "no_meter"


def test_snapshots_do_not_go_to_destinations_nor_thin_events_to_endpoints(
    shop: Shop, destination: Any, receiver: Receiver
):
    shop.stripe.v1.webhook_endpoints.create({"url": f"{receiver.url}/old", "enabled_events": ["product.created"]})
    shop.stripe.v1.products.create({"name": "x"})

    stream_client(shop).v2.billing.meter_event_stream.create({"events": [event("cus_none")]})
    shop.sandbox.advance("10 seconds")

    receiver.wait_for("v1.billing.meter.error_report_triggered")
    assert receiver.types() == ["product.created", "v1.billing.meter.error_report_triggered"]


def test_a_destination_can_be_pinged_disabled_and_deleted(shop: Shop, destination: Any, receiver: Receiver):
    api = shop.stripe.v2.core.event_destinations
    api.update(destination.id, {"enabled_events": ["*"]})
    api.ping(destination.id)
    receiver.wait_for("v2.core.event_destination.ping")

    disabled = api.disable(destination.id).status
    enabled = api.enable(destination.id).status
    api.delete(destination.id)

    assert (disabled, enabled, api.list().data) == ("disabled", "enabled", [])


def test_a_secret_is_shown_at_creation_alone(shop: Shop, destination: Any):
    found = shop.stripe.v2.core.event_destinations.retrieve(destination.id, {"include": ["webhook_endpoint.url"]})

    assert destination.webhook_endpoint.signing_secret.startswith("whsec_")
    assert found.webhook_endpoint is not None
    assert found.webhook_endpoint.signing_secret is None


def test_answers_fit_the_sdk(shop: Shop, destination: Any, receiver: Receiver):
    customer = shop.customer()
    adjustment = {"event_name": "haiku_input", "type": "cancel", "cancel": {"identifier": "one"}}
    made = [
        post(shop.sandbox, "/v2/billing/meter_events", event(customer, identifier="one")),
        post(shop.sandbox, "/v2/billing/meter_event_adjustments", adjustment),
        post(shop.sandbox, "/v2/billing/meter_event_session", {}),
        shop.sandbox.call("GET", f"/v2/core/event_destinations/{destination.id}").json(),
    ]

    assert [problem for one in made for problem in problems(one)] == []
