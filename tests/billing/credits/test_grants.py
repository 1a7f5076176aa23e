"""Credits that staff grants: made once, spent on usage alone, ended by hand or by time."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.admin.confirmed import new_identifier
from billing.bills.current import current_bill
from billing.credits import terms
from billing.credits.grants import GRANTS
from billing.models import CreditGrant
from billing.stripe_billing import client as gateway
from common import clock
from tests.billing.bills.test_invoice_holds import newest_invoice
from tests.billing.subscribing import let_a_month_pass, use
from tests.factories import Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}  # $1.95
ADD = "/admin/billing/creditgrant/add/"


@pytest.fixture
def staff(client: Client) -> Client:
    """A browser of a superuser."""
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


def form_for(customer: Customer, **fields: Any) -> dict[str, Any]:
    form = {
        "organization": customer.organization.pk,
        "amount": "1.50",
        "reason": "Sorry for the outage",
        "identifier": new_identifier("grant"),
    }
    return {**form, **fields}


def grant(customer: Customer, **fields: Any) -> CreditGrant:
    row = CreditGrant.objects.create(
        organization=customer.organization, identifier=new_identifier("grant"), **{"amount_minor": 150, **fields}
    )
    GRANTS.send(row)
    terms.refresh_stale()
    row.refresh_from_db()
    return row


def charged(customer: Customer) -> int:
    return current_bill(account=customer.account, now=clock.now()).charged_minor


def at_stripe(customer: Customer) -> list[int]:
    found = gateway.client().v1.billing.credit_grants.list({"customer": customer.account.stripe_customer_id}).data
    return [each.amount.monetary.value for each in found if each.amount.monetary]


def test_it_is_granted_once_after_a_confirmation(staff: Client, sandbox: SandboxServer, customer: Customer) -> None:
    use(customer, **USED)
    form = form_for(customer)

    asked = staff.post(ADD, form)
    assert "$1.50 of credits" in asked.content.decode()
    assert at_stripe(customer) == []
    staff.post(ADD, {**form, "_confirmed": "1"})
    again = staff.post(ADD, {**form, "_confirmed": "1"})  # a double click

    row = CreditGrant.objects.get()
    assert (at_stripe(customer), row.state, again.status_code) == ([150], CreditGrant.State.GRANTED, 302)
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("id")] == [
        "Added.",
        "At Stripe: granted.",
    ]
    terms.refresh_stale()
    bill_minor = charged(customer)
    let_a_month_pass(sandbox, customer)
    assert (bill_minor, newest_invoice(customer)["amount_due"]) == (1045, 1045)


def test_it_is_refused_where_it_cannot_be(staff: Client, customer: Customer) -> None:
    for fields in [{"amount": "0"}, {"expires_at_0": "2020-01-01", "expires_at_1": "12:00"}, {"identifier": "x"}]:
        asked = staff.post(ADD, form_for(customer, **fields))

        assert (asked.status_code, CreditGrant.objects.count()) == (200, 0)
        assert "Confirm:" not in asked.content.decode()


def test_it_is_sent_again_where_the_answer_was_lost(staff: Client, sandbox: SandboxServer, customer: Customer) -> None:
    with sandbox.failing(effect="status", status=503, path="/v1/billing/credit_grants"):
        staff.post(ADD, {**form_for(customer), "_confirmed": "1"})
    row = CreditGrant.objects.get()
    assert row.state == CreditGrant.State.PENDING
    CreditGrant.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    assert GRANTS.send_pending(now=timezone.now()) == 1
    GRANTS.send(row)  # a worker that had it at the same time

    assert at_stripe(customer) == [150]


def test_one_that_expires_before_the_invoice_pays_nothing_of_it(sandbox: SandboxServer, customer: Customer) -> None:
    use(customer, **USED)
    grant(customer, expires_at=clock.now() + timedelta(days=3))

    bill_minor = charged(customer)
    let_a_month_pass(sandbox, customer)

    assert (bill_minor, newest_invoice(customer)["amount_due"]) == (1195, 1195)


def test_one_that_is_not_counted_takes_nothing_away_when_it_expires(customer: Customer) -> None:
    use(customer, **USED)
    grant(customer)

    grant(customer, currency="eur", expires_at=clock.now() + timedelta(days=3))
    told = CreditGrant.objects.create(
        organization=customer.organization,
        identifier=new_identifier("grant"),
        amount_minor=100,
        expires_at=clock.now() + timedelta(days=3),
    )
    GRANTS.send(told)  # the account's credits are without it until Stripe is asked

    assert charged(customer) == 1045


def test_one_is_ended_by_hand(staff: Client, customer: Customer) -> None:
    row = grant(customer)
    use(customer, **USED)
    assert charged(customer) == 1045

    for _ in range(2):
        staff.post("/admin/billing/creditgrant/", {"action": "end", "_selected_action": [row.pk]})
    terms.refresh_stale()

    assert charged(customer) == 1195
    assert LogEntry.objects.count() == 1


def test_the_billing_page_shows_what_is_left_and_until_when(client: Client, customer: Customer) -> None:
    grant(customer, reason="For the beta", expires_at=clock.now() + timedelta(days=90))
    client.force_login(customer.organization.members.first() or User.objects.create_superuser("a@example.com"))

    page = client.get("/app/billing/").content.decode()

    for words in ["Credits", "$1.50", "For the beta", "tokens alone"]:
        assert words in page
