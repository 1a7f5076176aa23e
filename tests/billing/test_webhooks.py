"""The address that Stripe's webhooks come to."""

import hashlib
import hmac
import json
import time

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from djstripe.models import Event, WebhookEventTrigger

from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def deliver(browser: Client, *, secret: str = "", kind: str = "product.updated", about: str = "prod_missing") -> int:
    """Post an event as Stripe signs it (docs.stripe.com/webhooks, "verify manually"), and return the status."""
    body = json.dumps(
        {
            "id": f"evt_{time.monotonic_ns()}",
            "object": "event",
            "type": kind,
            "livemode": False,
            "created": int(time.time()),
            "api_version": "2025-01-01",
            "data": {"object": {"id": about, "object": "product"}},
        }
    )
    at = int(time.time())
    key = secret or settings.STRIPE_WEBHOOK_SECRET
    signature = hmac.new(key.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    browser.raise_request_exception = False
    answer = browser.post(
        "/webhooks/stripe",
        body,
        content_type="application/json",
        headers={"stripe-signature": f"t={at},v1={signature}"},
    )
    return answer.status_code


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
