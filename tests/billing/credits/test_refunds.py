"""Refunds made in Stripe's dashboard: shown on their invoice once, also beside credit notes, until they fail."""

from typing import Any

import pytest
from django.test import Client
from djstripe.models import Invoice

from billing.bills.invoices import invoices_of
from billing.credits.credit_notes import notes_of
from billing.credits.refunds import refunds_of
from billing.models import Refund
from billing.stripe_billing import client as gateway
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.missed_events import fetch_missed
from common import clock
from tests.billing.bills.test_charges import add_member
from tests.billing.bills.test_invoice_holds import deliver
from tests.factories import Customer
from tests.rgent.management_api.client import make_manager
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(customer: Customer) -> Invoice:
    """The customer's first invoice: $10.00, paid."""
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    return Invoice.objects.get()


def refund(customer: Customer, amount: int) -> dict[str, Any]:
    """Refund a part of the customer's one payment in Stripe's dashboard."""
    api = gateway.client().v1
    charge = api.charges.list({"customer": customer.account.stripe_customer_id}).data[0]
    return dict(api.refunds.create({"charge": charge.id, "amount": amount}).to_dict())


def test_one_is_on_its_invoice_and_counts_in_the_list(client: Client, customer: Customer, invoice: Invoice) -> None:
    made = refund(customer, 300)
    for _ in range(2):
        assert deliver(client, "refund.created", made) == 200

    over_api = make_manager(customer).get(f"/invoices/{invoice.id}")
    client.force_login(add_member(customer))
    page = client.get(f"/app/billing/invoices/{invoice.id}/").content.decode()
    assert "<strong>$3.00</strong> back to your card" in page
    assert "$3.00 refunded" in client.get("/app/billing/").content.decode()
    assert over_api["refunded_minor"] == over_api["refunds"][0]["amount_minor"] == "300"


def test_one_of_a_credit_note_is_not_told_twice(client: Client, customer: Customer, invoice: Invoice) -> None:
    params: Any = {"invoice": invoice.id, "amount": 200, "refund_amount": 200}
    gateway.client().v1.credit_notes.create(params)
    made = gateway.client().v1.refunds.list().data[0]

    assert deliver(client, "refund.created", dict(made.to_dict())) == 200

    assert not Refund.objects.exists()


def test_one_that_a_credit_note_names_later_is_told_by_the_note_alone(
    client: Client, customer: Customer, invoice: Invoice
) -> None:
    made = refund(customer, 200)
    assert deliver(client, "refund.created", made) == 200
    assert Refund.objects.exists()
    params: Any = {"invoice": invoice.id, "amount": 200, "refund_amount": 200}
    note = dict(gateway.client().v1.credit_notes.create(params).to_dict())

    named = [{"refund": made["id"], "amount_refunded": 200}]  # made with `refunds`, which the sandbox does not take
    assert deliver(client, "credit_note.created", {**note, "refunds": named}) == 200

    of_invoice: Any = {"organization_id": customer.organization.pk, "invoice_id": invoice.id}
    assert [note.amount for note in notes_of(**of_invoice)] == ["$2.00"]
    assert refunds_of(**of_invoice) == []


def test_one_that_failed_is_shown_no_more(client: Client, customer: Customer, invoice: Invoice) -> None:
    made = refund(customer, 300)
    deliver(client, "refund.created", made)

    deliver(client, "refund.failed", {**made, "status": "failed"})
    deliver(client, "refund.updated", made)  # an older one, late

    (summary,) = invoices_of(customer_id=customer.account.stripe_customer_id)
    assert (summary.refunded, refunds_of(organization_id=customer.organization.pk, invoice_id=invoice.id)) == ("", [])


def test_one_of_which_no_webhook_told_is_found(sandbox: SandboxServer, customer: Customer, invoice: Invoice) -> None:
    refund(customer, 300)
    sandbox.advance("1 hour")

    fetch_missed(now=clock.now())

    assert Refund.objects.get().stripe_invoice_id == invoice.id
