"""The address that Stripe's webhooks come to."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from djstripe.models import Event, WebhookEndpoint, WebhookEventTrigger

from billing.stripe_billing.stored_events import forget_old_events
from tests.billing.subscribing import make_paying_customer
from tests.sandbox.running import http_call
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def event(**fields: Any) -> dict[str, Any]:
    """Return an event about a product that Stripe does not have."""
    return {
        "id": f"evt_{time.monotonic_ns()}",
        "object": "event",
        "type": "product.updated",
        "livemode": False,
        "created": int(time.time()),
        "api_version": "2025-01-01",
        "data": {"object": {"id": "prod_missing", "object": "product"}},
        **fields,
    }


def signature(body: bytes, *, secret: str, at: int) -> str:
    """Sign as Stripe does (docs.stripe.com/webhooks, "verify manually")."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def deliver(browser: Client, *, secret: str = "", age_s: int = 0, headers: Any = None, **fields: Any) -> int:
    """Post an event, signed `age_s` ago, and return the status."""
    body = json.dumps(event(**fields)).encode()
    signed = signature(body, secret=secret or settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()) - age_s)
    return post(browser, body, headers={"stripe-signature": signed, **(headers or {})})


def post(browser: Client, body: bytes, *, headers: dict[str, str]) -> int:
    browser.raise_request_exception = False
    return browser.post("/webhooks/stripe", body, content_type="application/json", headers=headers).status_code


def nothing_stored() -> bool:
    return not any(model.objects.exists() for model in (Event, WebhookEventTrigger, WebhookEndpoint))


def test_a_signed_event_is_taken_in(client: Client, sandbox: SandboxServer) -> None:
    assert deliver(client) == 200
    assert Event.objects.count() == 1


def test_an_event_that_somebody_else_signed_is_refused(client: Client, sandbox: SandboxServer) -> None:
    assert deliver(client, secret="whsec_of_somebody_else") == 400
    assert not Event.objects.exists()


def test_an_event_that_comes_while_stripe_is_down_is_to_be_sent_again(client: Client, sandbox: SandboxServer) -> None:
    with sandbox.failing(effect="status", status=503):
        assert deliver(client) >= 500

    assert not Event.objects.exists()
    assert deliver(client) == 200


def test_on_sqlite_no_transaction_is_open_while_stripe_is_down(client: Client, sandbox: SandboxServer) -> None:
    with sandbox.failing(effect="status", status=503):
        deliver(client)

    # The first thing that dj-stripe writes. On PostgreSQL its transaction keeps nobody waiting.
    assert WebhookEventTrigger.objects.exists() == (connection.vendor != "sqlite")


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "t=1,v1=00",
        "v1=00",
        "t=x,v1=00",
        "t=99999999999999999999,v1=00",
        "\u00e9",
        "t=1",
        "," * 5000,
    ],
)
@pytest.mark.parametrize("body", [b"{}", b"", b"\xff", b"\x00", b"[" * 100_000, b'{"id": "\x00"}'])
def test_a_body_that_nobody_signed_is_a_400_and_leaves_no_row(client: Client, signed: str, body: bytes) -> None:
    assert post(client, body, headers={"stripe-signature": signed, "x-forwarded-for": "not an address"}) == 400
    assert nothing_stored()


def test_an_event_that_somebody_else_signed_leaves_no_row(client: Client) -> None:
    assert deliver(client, secret="whsec_of_somebody_else") == 400
    assert nothing_stored()


def test_a_delivery_that_is_played_again_later_leaves_no_row(client: Client) -> None:
    assert deliver(client, age_s=400) == 400
    assert nothing_stored()


@pytest.mark.filterwarnings("ignore:Django checks for ServeStatic:UserWarning")
def test_the_header_of_dj_stripes_debug_mode_replaces_no_secret(client: Client, settings: Any) -> None:
    settings.DEBUG = True

    assert deliver(client, secret="whsec_mine", headers={"x-djstripe-webhook-secret": "whsec_mine"}) == 400
    assert nothing_stored()


@pytest.mark.parametrize("forwarded", ["not an address", "1.2.3.4, 5.6.7.8", "x" * 5000])
def test_a_signed_event_is_taken_in_whatever_a_proxy_adds(
    client: Client, sandbox: SandboxServer, forwarded: str
) -> None:
    assert deliver(client, headers={"x-forwarded-for": forwarded, "x-anything": "anything"}) == 200
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"object": "v2.core.event", "type": "v2.core.event_destination.ping", "created": "2026-11-25T22:00:00.000Z"},
        {"object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered", "data": None},
        {"account": "acct_another"},
        {"livemode": True},
    ],
)
def test_a_signed_event_that_can_never_be_stored_is_not_sent_again(
    client: Client, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    assert deliver(client, **fields) == 200

    assert not Event.objects.exists()
    assert "left aside" in caplog.text


@pytest.mark.parametrize("kind", ["customer.updated", "customer.deleted", "customer.subscription.updated"])
def test_an_event_about_a_deleted_customer_is_not_sent_again(client: Client, sandbox: SandboxServer, kind: str) -> None:
    account = make_paying_customer().account
    key = {"authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"}
    http_call("DELETE", f"{sandbox.url}/v1/customers/{account.stripe_customer_id}", headers=key)
    subscription = {"id": account.stripe_subscription_id, "object": "subscription"}
    about = {"id": account.stripe_customer_id, "object": "customer", "deleted": kind == "customer.deleted"}

    assert deliver(client, type=kind, data={"object": subscription if "subscription" in kind else about}) == 200


def test_what_was_stored_long_ago_is_forgotten_and_the_rest_is_kept(client: Client, sandbox: SandboxServer) -> None:
    for _ in range(2):
        deliver(client)
    before = timezone.now() - timedelta(days=31)
    old_event, old_delivery = Event.objects.first(), WebhookEventTrigger.objects.first()
    Event.objects.filter(pk=old_event.pk).update(djstripe_created=before)
    WebhookEventTrigger.objects.filter(pk=old_delivery.pk).update(created=before)

    assert forget_old_events(now=timezone.now()) == 2

    assert (Event.objects.count(), WebhookEventTrigger.objects.count()) == (1, 1)
