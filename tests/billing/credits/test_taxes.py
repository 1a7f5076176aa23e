"""Tax, and the details of a company: on the running bill and then on the invoice."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership
from billing.bills.current import CurrentBill, current_bill
from billing.bills.invoices import invoice_of
from billing.credits import terms
from billing.models import BillingAccount, Plan
from billing.plans.publishing import publish_plans
from billing.reconciliation.run import reconcile
from billing.stripe_billing import client as gateway
from billing.stripe_billing import company as stripe_company
from billing.subscriptions.checkout import start_checkout
from billing.subscriptions.company import AddressNeeded, Company, change_company, company_of
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.subscribing import subscribe
from common import clock
from tests.billing.bills.test_charges import have_credits
from tests.billing.bills.test_invoice_holds import deliver, newest_invoice
from tests.billing.credits.test_discounts import discount
from tests.billing.subscribing import let_a_month_pass, pay, use
from tests.factories import Customer, make_organization, make_user
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}  # $1.30 and $0.65
BERLIN = Company(line1="Unter den Linden 1", city="Berlin", postal_code="10117", country="DE")


def tax(customer: Customer, **details: Any) -> None:
    """Have Stripe work out tax for a customer in Berlin, as a subscription made with STRIPE_TAX has it."""
    change_company(customer.account, Company(**{**{name: getattr(BERLIN, name) for name in BERLIN.address}, **details}))
    enabled: Any = {"automatic_tax": {"enabled": True}}
    gateway.client().v1.subscriptions.update(customer.account.stripe_subscription_id, enabled)
    hear_of_it(customer)


def hear_of_it(customer: Customer) -> None:
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)
    terms.refresh_stale()


def bill_of(customer: Customer) -> CurrentBill:
    return current_bill(account=customer.account, now=clock.now())


def test_the_bill_has_it_to_the_cent_after_discounts_and_credits(
    client: Client, sandbox: SandboxServer, customer: Customer
) -> None:
    tax(customer, purchase_order="4711")
    have_credits(client, customer)
    discount(customer, {"percent_off": 10, "duration": "forever"})
    use(customer, **USED)

    charge = bill_of(customer).charge
    let_a_month_pass(sandbox, customer)

    made = newest_invoice(customer)
    invoice = invoice_of(customer_id=customer.account.stripe_customer_id, invoice_id=made["id"])
    assert charge.taxes == (("VAT, 19 %", 176),)  # 171 of the base, 5 of what credits leave of the output
    assert (list(invoice.steps), made["total"]) == (charge.steps, charge.total_minor)
    assert [(each["name"], each["value"]) for each in made["custom_fields"]] == [("PO number", "4711")]
    assert made["customer_address"]["city"] == "Berlin"
    assert reconcile(now=clock.now()).differences == []


def test_it_follows_the_tax_id_and_the_exemption(client: Client, sandbox: SandboxServer, customer: Customer) -> None:
    tax(customer, tax_id_type="eu_vat", tax_id="DE123456789")
    reversed_charge = bill_of(customer).charge
    change_company(customer.account, BERLIN)
    terms.refresh_stale()
    taxed = bill_of(customer).charge
    stripe_company.set_tax_exempt(customer_id=customer.account.stripe_customer_id, tax_exempt="exempt")
    terms.mark_stale(organization_id=customer.organization.pk)
    terms.refresh_stale()
    exempt = bill_of(customer).charge
    let_a_month_pass(sandbox, customer)

    assert (reversed_charge.total_minor, reversed_charge.tax_note[:14]) == (1000, "Reverse charge")
    assert (taxed.total_minor, taxed.tax_note) == (1190, "")
    assert (exempt.total_minor, exempt.tax_note) == (1000, "You are exempt from tax.")
    assert newest_invoice(customer)["total"] == 1000


def test_nobody_subscribes_without_an_address_and_everybody_with_one(settings: Any, sandbox: SandboxServer) -> None:
    settings.STRIPE_TAX = True
    publish_plans()
    account = BillingAccount.objects.get(organization=make_organization())
    plan = Plan.objects.get(code="pro_haiku")
    for way in (start_checkout, subscribe):
        with pytest.raises(AddressNeeded, match="/app/billing/company"):
            way(account=account, plan=plan)

    change_company(account, BERLIN)
    assert subscribe(account=account, plan=plan).client_secret
    pay(start_checkout(account=account, plan=plan))

    made = gateway.client().v1.invoices.list({"customer": account.stripe_customer_id}).data[0]
    assert (made.total, made.status) == (1190, "paid")


@pytest.fixture
def owner(client: Client, customer: Customer) -> Client:
    """A browser of the customer's owner."""
    user = make_user()
    Membership.objects.create(organization=customer.organization, user=user, role=Membership.Role.OWNER)
    client.force_login(user)
    return client


def test_the_owner_enters_them_on_a_page_and_reads_them(owner: Client, customer: Customer) -> None:
    form = {"line1": "Unter den Linden 1", "city": "Berlin", "postal_code": "10117", "country": "de"}
    form |= {"tax_id_type": "eu_vat", "tax_id": "DE123456789", "purchase_order": "4711"}

    page = owner.post("/app/billing/company", form, follow=True).content.decode()

    for words in ["Unter den Linden 1", "10117 Berlin", "Tax id DE123456789", "PO number 4711"]:
        assert words in page
    owner.post("/app/billing/company", {**form, "tax_id_type": "", "tax_id": "", "purchase_order": ""})
    assert company_of(customer.account) == BERLIN


def test_what_cannot_be_is_refused_on_the_page(owner: Client, customer: Customer) -> None:
    for form, says in [
        ({"city": "Berlin"}, "needs a country"),
        ({"country": "Germany"}, "at most 2"),
        ({"tax_id": "DE123456789"}, "needs its kind"),
        ({"tax_id_type": "gb_vat", "tax_id": "DE123456789"}, "Invalid value for gb_vat"),
    ]:
        answer = owner.post("/app/billing/company", form)

        assert (answer.status_code, says in answer.content.decode()) == (422, True), says


def test_a_change_in_stripes_dashboard_is_heard_of(client: Client, settings: Any, customer: Customer) -> None:
    settings.STRIPE_TAX = True
    tax(customer)
    moved: Any = {"address": {"country": "FR"}}
    told = gateway.client().v1.customers.update(customer.account.stripe_customer_id, moved)

    assert deliver(client, "customer.updated", dict(told.to_dict())) == 200
    terms.refresh_stale()

    assert bill_of(customer).charge.total_minor == 1200
