"""Stripe's objects in the admin: pages to read, without actions."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse
from djstripe import models as djstripe

from billing.stripe_billing.sync import sync_invoices
from tests.billing.subscribing import make_paying_customer, use
from tests.billing.test_webhooks import deliver
from tests.servers import SandboxServer

READ = [djstripe.Customer, djstripe.Subscription, djstripe.Invoice, djstripe.Event, djstripe.WebhookEventTrigger]


def address(model: type, view: str = "changelist", *args: object) -> str:
    return reverse(f"admin:djstripe_{model._meta.model_name}_{view}", args=args)


@pytest.fixture
def rows(sandbox: SandboxServer, client: Client) -> None:
    """A subscribed customer with an invoice, an event and a delivery."""
    customer = make_paying_customer()
    use(customer, input_tokens=5000, output_tokens=2000)
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    assert deliver(client) == 200


def test_no_table_has_pages_of_dj_stripes_own() -> None:
    shown = {model: type(pages).__module__ for model, pages in site._registry.items()}

    assert not [model for model, module in shown.items() if module.startswith("djstripe")]
    assert {model for model in shown if model._meta.app_label == "djstripe"} == set(READ)


def test_each_list_and_each_row_opens(admin: Client, rows: None) -> None:
    pages = [admin.get(address(model)) for model in READ]
    pages += [admin.get(address(model, "change", model._default_manager.first().pk)) for model in READ]

    assert [page.status_code for page in pages] == [200] * 2 * len(READ)
    assert not [page for page in pages[: len(READ)] if "$1,000" in page.content.decode()]


def test_an_invoice_shows_what_stripe_charged(admin: Client, rows: None) -> None:
    page = admin.get(address(djstripe.Invoice)).content.decode()

    assert "$10.00" in page


def test_an_object_is_found_by_its_whole_id(admin: Client, rows: None) -> None:
    customer = djstripe.Customer.objects.get()

    assert customer.id in admin.get(address(djstripe.Customer), {"q": customer.id}).content.decode()
    assert customer.id not in admin.get(address(djstripe.Customer), {"q": customer.id[:-1]}).content.decode()


@pytest.mark.parametrize("model", ["subscription", "customer", "webhookendpoint", "invoice", "apikey"])
@pytest.mark.parametrize("action", ["_cancel", "_sync_all_instances", "_resync_instances", "delete_selected"])
def test_the_addresses_of_dj_stripes_actions_are_gone(admin: Client, model: str, action: str) -> None:
    address = f"/admin/djstripe/{model}/action/{action}/{model}/"

    answer = admin.post(address, {"action": action}, follow=True)

    # Django takes what follows a table's address for a row's old address, and finds no such row.
    assert answer.status_code == 404 or answer.redirect_chain[-1][0] == "/admin/"
