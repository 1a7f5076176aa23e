"""Drafts held until Stripe has the usage they bill, at the sandbox's Stripe."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from billing.bills import invoice_holds
from billing.metering import outbox, posting
from billing.models import Discrepancy, InvoiceHold, MeterEvent
from billing.stripe_billing import client as gateway
from common import clock
from tests.billing.subscribing import make_paying_customer, use
from tests.billing.test_webhooks import post, signature
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

TOKENS = {"input_tokens": 1_000_000, "output_tokens": 100_000}
COST_MINOR = 130 + 65


def use_while_stripe_is_down(customer: Customer, sandbox: SandboxServer) -> None:
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"):
        use(customer, **TOKENS)


def send_again() -> None:
    MeterEvent.objects.filter(state="sending").update(next_attempt_at=clock.now().replace(year=2020))
    outbox.send_due(now=clock.now())


def newest_invoice(customer: Customer) -> dict[str, Any]:
    found = gateway.client().v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1})
    return dict(found.data[0].to_dict())


def deliver_created(browser: Client, invoice: dict[str, Any]) -> int:
    return deliver(browser, "invoice.created", invoice)


def deliver(browser: Client, event_type: str, about: dict[str, Any]) -> int:
    """Post an event as Stripe does, and return the status."""
    event = {
        "id": f"evt_{time.monotonic_ns()}",
        "object": "event",
        "type": event_type,
        "livemode": False,
        "created": int(time.time()),
        "api_version": "2026-08-26.dahlia",
        "data": {"object": about},
    }
    body = json.dumps(event, default=str).encode()
    signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()))
    return post(browser, body, headers={"stripe-signature": signed})


@pytest.fixture
def behind(sandbox: SandboxServer) -> Customer:
    """A customer whose period is over, and whose usage of $1.95 Stripe does not have."""
    customer = make_paying_customer()
    use_while_stripe_is_down(customer, sandbox)
    sandbox.advance("1 month")
    return customer


def held_by_its_webhook(browser: Client, customer: Customer) -> None:
    assert deliver_created(browser, newest_invoice(customer)) == 200


def held_without_a_webhook(browser: Client, customer: Customer) -> None:
    assert invoice_holds.hold_forgotten_drafts(now=clock.now()) == 1


@pytest.mark.parametrize("hold", [held_by_its_webhook, held_without_a_webhook])
def test_usage_that_an_outage_kept_from_stripe_for_hours_is_on_its_invoice(
    client: Client, sandbox: SandboxServer, behind: Customer, hold: Callable[[Client, Customer], None]
) -> None:
    hold(client, behind)
    sandbox.advance("3 hours")

    assert invoice_holds.release_ready(now=clock.now()) == []
    assert newest_invoice(behind)["status"] == "draft"
    shown = Discrepancy.objects.get(kind="invoice_held", resolved_at=None)
    assert "1,100,000 tokens are on their way" in shown.detail

    send_again()
    assert invoice_holds.release_ready(now=clock.now()) == [behind.organization.id]
    invoice = newest_invoice(behind)
    assert (invoice["status"], invoice["total"], invoice["auto_advance"]) == ("open", 1000 + COST_MINOR, True)
    assert not Discrepancy.objects.filter(resolved_at=None).exists()
    sandbox.advance("1 hour")
    assert newest_invoice(behind)["status"] == "paid"


def test_stripe_hears_no_2xx_while_the_draft_cannot_be_held(
    client: Client, sandbox: SandboxServer, behind: Customer
) -> None:
    invoice = newest_invoice(behind)

    with sandbox.failing(effect="status", status=503, path=f"/v1/invoices/{invoice['id']}"):
        assert deliver_created(client, invoice) == 503

    assert newest_invoice(behind)["auto_advance"]
    assert deliver_created(client, invoice) == 200
    assert not newest_invoice(behind)["auto_advance"]


def test_an_event_that_comes_again_holds_no_invoice_that_was_finalized(
    client: Client, sandbox: SandboxServer, behind: Customer
) -> None:
    draft = newest_invoice(behind)
    sandbox.advance("1 hour")
    assert newest_invoice(behind)["status"] != "draft"

    assert deliver_created(client, draft) == 200

    assert not InvoiceHold.objects.exists()
    assert newest_invoice(behind)["status"] == "paid"


@pytest.mark.parametrize("state", ["rejected", "parked"])
def test_a_draft_that_cannot_be_released_names_what_is_missing(
    client: Client, sandbox: SandboxServer, behind: Customer, state: str
) -> None:
    held_by_its_webhook(client, behind)
    MeterEvent.objects.update(state=state)
    sandbox.advance("3 hours")

    invoice_holds.release_ready(now=clock.now())

    hold = InvoiceHold.objects.get()
    assert MeterEvent.objects.earliest("id").identifier in hold.waits_for
    assert Discrepancy.objects.get(kind="invoice_held").detail == hold.waits_for


def test_usage_of_the_next_period_does_not_keep_it(client: Client, sandbox: SandboxServer, behind: Customer) -> None:
    held_by_its_webhook(client, behind)
    send_again()
    sandbox.advance("1 hour")
    settle(begin(behind, now=clock.now()), now=clock.now(), input_tokens=7)
    posting.post_due()

    assert invoice_holds.release_ready(now=clock.now())


def test_usage_that_the_meters_do_not_show_yet_is_waited_for(
    client: Client, sandbox: SandboxServer, behind: Customer
) -> None:
    held_by_its_webhook(client, behind)
    sandbox.advance("1 hour")
    send_again()
    MeterEvent.objects.filter(value=1_000_000).update(value=1_000_001)  # as a meter that is one token behind

    assert invoice_holds.release_ready(now=clock.now()) == []
    assert "1,000,000 tokens of the 1,000,001 tokens" in InvoiceHold.objects.get().waits_for
