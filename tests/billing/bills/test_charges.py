"""The running bill says what Stripe will take, which the sandbox's Stripe then does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from djstripe.models import Customer as StoredCustomer
from djstripe.models import Invoice

from accounts.models import Membership, User
from billing.bills.charges import charge_of
from billing.bills.current import current_bill
from billing.bills.invoices import invoices_of, unpaid_notice
from billing.credits import terms
from billing.credits.discounts import Discount
from billing.credits.reckoning import Item
from billing.stripe_billing import client as gateway
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.plan_changes import cancel_later
from common import clock
from tests.billing.bills.test_invoice_holds import deliver, newest_invoice
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import Customer, make_user
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}  # $1.95
USAGE = Item(left_minor=195, is_usage=True)


def have_balance(balance_minor: int) -> Callable[[Client, Customer], None]:
    def give(browser: Client, customer: Customer) -> None:
        customer_id = customer.account.stripe_customer_id
        changed = gateway.client().v1.customers.update(customer_id, {"balance": balance_minor})
        assert deliver(browser, "customer.updated", dict(changed.to_dict())) == 200

    give.__name__ = f"balance of {balance_minor}"
    return give


def have_credits(browser: Client, customer: Customer, *, credit_minor: int = 150) -> None:
    params: Any = {
        "customer": customer.account.stripe_customer_id,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": credit_minor}},
        "applicability_config": {"scope": {"price_type": "metered"}},
        "category": "promotional",
    }
    grant = gateway.client().v1.billing.credit_grants.create(params)
    assert deliver(browser, "billing.credit_grant.created", dict(grant.to_dict())) == 200
    terms.refresh_stale()


def have_many_credits(browser: Client, customer: Customer) -> None:
    have_credits(browser, customer, credit_minor=500)


def have_both(browser: Client, customer: Customer) -> None:
    have_balance(-300)(browser, customer)
    have_credits(browser, customer)


def end(browser: Client, customer: Customer) -> None:
    cancel_later(account=customer.account)


def end_with_credits(browser: Client, customer: Customer) -> None:
    have_credits(browser, customer)
    end(browser, customer)


@pytest.mark.parametrize(
    ("has", "charged_minor"),
    [
        (have_balance(-300), 895),
        (have_balance(-1500), 0),
        (have_balance(49), 1244),
        (have_credits, 1045),
        (have_many_credits, 1000),
        (have_both, 745),
        (end, 195),
        (end_with_credits, 0),  # 45 cents are too little to charge
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_says_what_stripe_will_take(
    client: Client, sandbox: SandboxServer, has: Callable[[Client, Customer], None], charged_minor: int
) -> None:
    customer = make_paying_customer()
    use(customer, **USED)
    has(client, customer)

    bill = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)

    assert bill.charged_minor == charged_minor
    assert newest_invoice(customer)["amount_due"] == charged_minor


def test_the_steps_lead_from_the_lines_to_what_is_taken() -> None:
    charge = charge_of([USAGE], credit_minor=1000, balance_minor=30)

    assert charge.steps == [
        ("Sum of the rounded lines", "$1.95"),
        ("Billing credits, for usage", "-$1.95"),
        ("Owed from earlier invoices", "$0.30"),
        ("Too little to charge: owed with the next invoice", "-$0.30"),
    ]
    assert charge_of([USAGE], credit_minor=0, balance_minor=0).steps == []


def test_credits_pay_what_discounts_leave() -> None:
    half = Discount(
        id="di_1",
        name="",
        percent_off=Decimal(50),
        amount_off_minor=0,
        ends_at=None,
        products=frozenset(),
    )

    charge = charge_of([USAGE], discounts=[half], credit_minor=1000, balance_minor=0)

    assert charge.steps == [
        ("Sum of the rounded lines", "$1.95"),
        ("Discount, 50 % off", "-$0.98"),
        ("Billing credits, for usage", "-$0.97"),
    ]


def test_the_billing_page_shows_each_step_and_what_is_unpaid(client: Client, sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    use(customer, **USED)
    have_both(client, customer)
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    made = Invoice.objects.get()
    for number in range(2):
        made.stripe_data |= {"id": f"in_{number}", "status": "open", "amount_remaining": 500}
        made.pk, made.id, made._state.adding = None, f"in_{number}", True
        made.save()
    client.force_login(add_member(customer))

    page = client.get("/app/billing/").content.decode()

    for words in [
        "Billing credits, for usage",
        "-$1.50",
        "Your credit balance",
        "-$3.00",
        "$7.45",
        "2 invoices are unpaid",
    ]:
        assert words in page


def add_member(customer: Customer) -> User:
    user = make_user()
    Membership.objects.create(organization=customer.organization, user=user, role=Membership.Role.MEMBER)
    return user


def test_credits_that_an_invoice_spent_are_gone_from_the_next_bill(client: Client, sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    use(customer, **USED)
    have_credits(client, customer)
    let_a_month_pass(sandbox, customer)

    assert deliver(client, "invoice.finalized", newest_invoice(customer)) == 200
    terms.refresh_stale()

    assert customer.account.credit_minor == 0


def test_several_unpaid_invoices_are_added_up_and_the_newest_named(sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    customer_id = customer.account.stripe_customer_id
    use(customer, **USED)
    let_a_month_pass(sandbox, customer)
    for invoice in StoredCustomer.objects.get(id=customer_id).invoices.all():
        invoice.stripe_data |= {"status": "open", "amount_remaining": invoice.stripe_data["total"]}
        invoice.save()

    invoices = invoices_of(customer_id=customer_id)

    assert unpaid_notice(invoices).startswith("2 invoices are unpaid, $21.95 together.")
    assert f"The newest, {invoices[0].number}, decides" in unpaid_notice(invoices)
    assert unpaid_notice(invoices[:1]) == ""
