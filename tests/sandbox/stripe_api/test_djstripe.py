"""dj-stripe reads everything there is from the sandbox, with no patch."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from djstripe import models

from tests.sandbox.running import Running
from tests.sandbox.shop import open_shop
from tests.servers import SandboxServer

# dj-stripe 2.11 reads this one through a client of its own that ignores STRIPE_API_HOST
# (djstripe/models/account.py): only api.stripe.com can answer it.
OUT_OF_REACH = "AccountV2"


@pytest.mark.django_db
def test_djstripe_sync_models_reads_every_model(sandbox_server: SandboxServer):
    sandbox_server.reset()
    shop = open_shop(Running(sandbox_server.url, Path(), sandbox_server.process))
    customer = shop.customer()
    subscription = shop.subscribe(customer)
    shop.pay(shop.session())
    shop.stripe.v1.subscriptions.update(
        subscription.id, {"items": [{"id": subscription["items"].data[0].id, "quantity": 2}]}
    )
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")
    names = [model.__name__ for model in apps.get_app_config("djstripe").get_models()]
    complaints, wanted = io.StringIO(), [name for name in names if name != OUT_OF_REACH]

    call_command("djstripe_sync_models", *wanted, stdout=io.StringIO(), stderr=complaints, fail_on_error=True)

    assert complaints.getvalue() == ""
    assert len(wanted) > 50
    assert {invoice.stripe_data["status"] for invoice in models.Invoice.objects.all()} == {"paid"}
    assert models.SubscriptionItem.objects.count() == 6
    assert models.InvoiceItem.objects.count() == 2
