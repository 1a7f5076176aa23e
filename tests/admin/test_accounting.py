"""The accountant's file of a month's invoices."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from djstripe.models import Invoice
from stripe import StripeClient

from accounts.models import User
from billing.stripe_billing.sync import sync_invoices
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(sandbox: SandboxServer) -> Customer:
    """A customer of two invoices, with credits that pay a part of the second one."""
    customer = make_paying_customer()
    use(customer, input_tokens=5_000_000, output_tokens=100_000)
    return customer


def rows_of(admin: Client, query: str = "") -> list[dict[str, str]]:
    answer = admin.get(reverse("admin:djstripe_invoice_accounting") + query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode())))


def grant_credits(stripe: StripeClient, customer: Customer) -> None:
    stripe.v1.billing.credit_grants.create(
        {
            "customer": customer.account.stripe_customer_id,
            "category": "promotional",
            "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 300}},
            "applicability_config": {"scope": {"price_type": "metered"}},
        }
    )


def test_it_has_each_invoice_of_the_month_and_each_of_its_lines(admin, customer, sandbox, stripe):
    grant_credits(stripe, customer)
    let_a_month_pass(sandbox, customer)
    newest = Invoice.objects.latest("created").stripe_data

    finalized_at = datetime.fromtimestamp(newest["status_transitions"]["finalized_at"], tz=UTC)

    rows = [row for row in rows_of(admin, f"?month={finalized_at:%Y-%m}") if row["invoice"] == newest["id"]]

    (invoice,) = [row for row in rows if row["kind"] == "invoice"]
    lines = [row for row in rows if row["kind"] == "line"]
    assert (invoice["number"], invoice["name"]) == (newest["number"], customer.organization.name)
    assert [invoice[name] for name in ("net", "tax", "credit", "total", "paid")] == [
        "17.15",
        "0.00",
        "3.00",
        "14.15",
        "14.15",
    ]
    assert round(sum(float(row["total"]) for row in lines) * 100) == newest["total"] == 1415


def test_another_month_has_none(admin, customer):
    sync_invoices(customer_id=customer.account.stripe_customer_id)

    assert rows_of(admin, "?month=2020-01") == []
    assert admin.get(reverse("admin:djstripe_invoice_accounting") + "?month=May").status_code == 400


def test_it_is_for_superusers_alone(customer, db):
    staff = User.objects.create_user("staff@rgent.example", is_staff=True)
    browser = Client()
    browser.force_login(staff)

    assert browser.get(reverse("admin:djstripe_invoice_accounting")).status_code == 403
