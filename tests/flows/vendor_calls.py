"""`python -m tests.flows.vendor_calls`: load the modules of web and worker, call each vendor once, and print the
modules.

A process of its own, whose environment holds keys. Prints one JSON object.
"""

import asyncio
import json
import sys
from contextlib import suppress
from datetime import UTC, datetime

from rgent import asgi  # uvicorn's own argument
from rgent.celery import app

app.loader.import_default_modules()

from django.conf import settings  # noqa: E402 - after the application has set Django up
from djstripe.models import Product  # noqa: E402
from stripe import StripeError  # noqa: E402

from billing.stripe_billing import client, meters  # noqa: E402
from chat import claude, claude_connections  # noqa: E402

IDENTIFIER = "rgent-vendor-call"


async def call_claude() -> None:
    """Ask Claude something."""
    body = {"model": "claude-haiku-5-5", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    with suppress(claude.ClaudeError):
        await claude.create(body=json.dumps(body).encode(), headers={})
    await claude_connections.close()


def call_stripe() -> None:
    """Send usage, as the outbox does, and fetch an object, as dj-stripe does for a webhook."""
    with suppress(client.StripeUnavailable):
        meters.send_meter_event(
            event_name="tokens",
            customer_id="cus_1",
            value=1,
            identifier=IDENTIFIER,
            occurred_at=datetime.now(UTC),
        )
    with suppress(StripeError):
        Product(id="prod_1").api_retrieve()


def main() -> None:
    """Call, and tell."""
    call_stripe()
    asyncio.run(call_claude())
    told = {
        "sandbox_mode": settings.SANDBOX,
        "sandbox_modules": sorted(name for name in sys.modules if name.partition(".")[0] == "sandbox"),
        "tasks": sorted(name for name in app.tasks if name.startswith("billing.")),
        "meter_events_host": settings.STRIPE_METER_EVENTS_BASE,
        "clock": settings.BILLING_CLOCK_URL,
        "web": callable(asgi.application),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
