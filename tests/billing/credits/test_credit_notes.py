"""Invoices given back, in whole or in part: made once, shown to the customer, told by Stripe's dashboard too."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from djstripe.models import Invoice

from accounts.models import User
from billing.admin.confirmed import new_identifier
from billing.bills.current import current_bill
from billing.credits.credit_notes import NOTES, notes_of
from billing.models import CreditNote
from billing.reconciliation.run import reconcile
from billing.stripe_billing import client as gateway
from billing.stripe_billing.sync import sync_invoices
from common import clock
from tests.billing.bills.test_charges import add_member
from tests.billing.bills.test_invoice_holds import deliver, newest_invoice
from tests.billing.subscribing import let_a_month_pass, use
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

ADD = "/admin/billing/creditnote/add/"


@pytest.fixture
def staff() -> Client:
    """A browser of a superuser."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("root@example.com"))
    return browser


@pytest.fixture
def invoice(customer: Customer) -> Invoice:
    """The customer's first invoice: $10.00, paid."""
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    return Invoice.objects.get()


def form_for(invoice: Invoice, **fields: Any) -> dict[str, Any]:
    identifier = new_identifier("note")
    return {"stripe_invoice_id": invoice.stripe_data["number"], "way": "card", "identifier": identifier, **fields}


def confirm(staff: Client, form: dict[str, Any]) -> str:
    return staff.post(ADD, {**form, "_confirmed": "1"}, follow=True).content.decode()


def refunded(customer: Customer) -> int:
    charges = gateway.client().v1.charges.list({"customer": customer.account.stripe_customer_id}).data
    return sum(charge.amount_refunded for charge in charges)


def test_a_part_is_refunded_once_and_then_the_rest(
    client: Client, staff: Client, customer: Customer, invoice: Invoice
) -> None:
    form = form_for(invoice, amount="3.00", memo="For the outage")
    asked = staff.post(ADD, form)
    assert "Credit $3.00 of invoice" in asked.content.decode()
    assert refunded(customer) == 0
    for _ in range(2):  # a double click
        confirm(staff, form)
    assert refunded(customer) == 300
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("id")] == ["Added.", "At Stripe: issued."]
    assert "at most $7.00" in staff.post(ADD, form_for(invoice, amount="7.01")).content.decode()

    confirm(staff, form_for(invoice))  # without an amount: all that is left

    assert refunded(customer) == 1000
    client.force_login(add_member(customer))
    page = client.get(f"/app/billing/invoices/{invoice.id}/").content.decode()
    assert f"{invoice.stripe_data['number']}-CN-01" in page
    assert "$3.00 back to your card: For the outage" in page
    assert "$10.00 credited" in client.get("/app/billing/").content.decode()


def test_one_is_put_onto_the_balance_and_lowers_the_next_invoice(
    staff: Client, client: Client, sandbox: SandboxServer, customer: Customer, invoice: Invoice
) -> None:
    confirm(staff, form_for(invoice, amount="3.00", way="balance"))
    told = gateway.client().v1.customers.retrieve(customer.account.stripe_customer_id)
    assert deliver(client, "customer.updated", dict(told.to_dict())) == 200
    use(customer, input_tokens=1_000_000)  # $1.30

    bill_minor = current_bill(account=customer.account, now=clock.now()).charged_minor
    let_a_month_pass(sandbox, customer)

    assert (bill_minor, newest_invoice(customer)["amount_due"]) == (830, 830)
    assert reconcile(now=clock.now()).differences == []


def test_one_of_an_unpaid_invoice_lowers_what_is_to_be_paid(
    staff: Client, sandbox: SandboxServer, customer: Customer
) -> None:
    sandbox.control("POST", "/settings", {"decline_next_payments": 9, "when_retries_end": "past_due"})
    let_a_month_pass(sandbox, customer)
    owed = Invoice.objects.get(id=newest_invoice(customer)["id"])

    confirm(staff, form_for(owed, amount="4.00"))

    now = newest_invoice(customer)
    assert (now["status"], now["amount_remaining"], refunded(customer)) == ("open", 600, 0)
    assert CreditNote.objects.get().lowered_minor == 400
    sandbox.control("POST", "/settings", {"decline_next_payments": 0, "when_retries_end": "cancel"})


def test_one_is_sent_again_where_the_answer_was_lost(
    staff: Client, sandbox: SandboxServer, customer: Customer, invoice: Invoice
) -> None:
    with sandbox.failing(effect="status", status=503, path="/v1/credit_notes"):
        assert "sent again" in confirm(staff, form_for(invoice, amount="3.00"))
    row = CreditNote.objects.get()
    assert row.state == CreditNote.State.PENDING
    CreditNote.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    assert NOTES.send_pending(now=timezone.now()) == 1
    NOTES.send(row)  # a worker that had it at the same time

    assert refunded(customer) == 300


def test_one_of_stripes_dashboard_is_shown_and_a_void_one_is_not(
    client: Client, customer: Customer, invoice: Invoice
) -> None:
    params: Any = {"invoice": invoice.id, "amount": 200, "refund_amount": 200}
    made = dict(gateway.client().v1.credit_notes.create(params).to_dict())
    for _ in range(2):
        assert deliver(client, "credit_note.created", made) == 200
    shown = notes_of(organization_id=customer.organization.pk, invoice_id=invoice.id)

    assert deliver(client, "credit_note.voided", {**made, "status": "void"}) == 200
    assert deliver(client, "credit_note.updated", made) == 200  # an older one, late

    assert [note.amount for note in shown] == ["$2.00"]
    assert notes_of(organization_id=customer.organization.pk, invoice_id=invoice.id) == []
