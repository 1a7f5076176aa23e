"""Discounts: taken off the running bill to the cent as Stripe takes them off the invoice, under the same names."""

from typing import Any

import pytest
from django.db.models.signals import post_save
from django.test import Client
from djstripe.models import Coupon

from billing import spend
from billing.bills.current import CurrentBill, current_bill
from billing.bills.invoices import invoice_of
from billing.credits import terms
from billing.models import CreditGrant, InvoiceTerms
from billing.plans.price_lists import meter_event_name
from billing.reconciliation.run import reconcile
from billing.stripe_billing import client as gateway
from billing.subscriptions.refreshing import refresh_subscription
from billing.tokens import TokenClass
from common import clock
from tests.billing.bills.test_charges import add_member, have_credits
from tests.billing.bills.test_invoice_holds import deliver, newest_invoice
from tests.billing.subscribing import let_a_month_pass, use
from tests.factories import HAIKU, Customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}  # $1.30 and $0.65
FOREVER: Any = {"duration": "forever"}


def discount(customer: Customer, *coupons: dict[str, Any], code: str = "") -> None:
    """Discount a customer's subscription in Stripe's dashboard, and let the worker hear of it."""
    api = gateway.client().v1
    ids = [api.coupons.create(coupon).id for coupon in coupons]  # type: ignore[arg-type]
    given: Any = [{"coupon": coupon_id} for coupon_id in ids]
    if code:
        made = api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": ids[0]}, "code": code})
        given[0] = {"promotion_code": made.id}
    api.subscriptions.update(customer.account.stripe_subscription_id, {"discounts": given})
    hear_of_it(customer)


def hear_of_it(customer: Customer) -> None:
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)
    terms.refresh_stale()


def bill_of(customer: Customer) -> CurrentBill:
    return current_bill(account=customer.account, now=clock.now())


CASES: list[list[dict[str, Any]]] = [
    [{"percent_off": 33.33, **FOREVER}],
    [{"percent_off": 12.5, "duration": "once"}],
    [{"amount_off": 500, "currency": "usd", "duration": "repeating", "duration_in_months": 3}],
    [{"amount_off": 5000, "currency": "usd", **FOREVER}],
    [{"percent_off": 10, **FOREVER}, {"amount_off": 300, "currency": "usd", **FOREVER}],
    [{"percent_off": 50, "applies_to": {"products": ["rgent_pro_haiku"]}, **FOREVER}],
]
METERED = {"tokens": meter_event_name(model=HAIKU, token_class=TokenClass.INPUT), "spend": spend.METER}


def test_the_bill_has_each_to_the_cent(metering: str, customer: Customer) -> None:
    use(customer, **USED)
    of_usage = {"applies_to": {"products": [METERED[metering]]}, **FOREVER}

    for coupons in [*CASES, [{"percent_off": 50, **of_usage}], [{"amount_off": 500, "currency": "usd", **of_usage}]]:
        discount(customer, *coupons)

        charge, preview = bill_of(customer).charge, preview_of(customer)
        assert charge.total_minor == preview["total"], coupons
        told = [one["amount"] for one in preview["total_discount_amounts"]]
        assert [off for _, off in charge.discounts] == told, coupons


def test_one_that_ends_before_the_invoice_is_not_on_the_bill(customer: Customer) -> None:
    discount(customer, {"percent_off": 50, "duration": "repeating", "duration_in_months": 2})
    assert bill_of(customer).charged_minor == 500
    told = InvoiceTerms.objects.get()
    told.discounts[0]["end"] = int(customer.account.period_ends_at.timestamp())
    told.save()

    assert bill_of(customer).charged_minor == 1000


def preview_of(customer: Customer) -> dict[str, Any]:
    """Return the next invoice as Stripe would make it now."""
    params: Any = {"subscription": customer.account.stripe_subscription_id}
    return dict(gateway.client().v1.invoices.create_preview(params).to_dict())


def test_the_invoice_is_as_the_bill_was_and_names_each_step_alike(
    client: Client, sandbox: SandboxServer, customer: Customer
) -> None:
    have_credits(client, customer)
    discount(customer, {"percent_off": 10, "name": "Friends", "duration": "once"}, code="SPRING")
    use(customer, **USED)

    bill = bill_of(customer)
    let_a_month_pass(sandbox, customer)
    hear_of_it(customer)

    made = newest_invoice(customer)
    invoice = invoice_of(customer_id=customer.account.stripe_customer_id, invoice_id=made["id"])
    assert [(line.description, line.charged) for line in invoice.lines] == [
        (line.description, line.charged) for line in bill.lines
    ]
    assert list(invoice.steps) == bill.charge.steps
    assert bill.charge.steps == [
        ("Sum of the rounded lines", "$11.95"),
        ("Discount SPRING, 10 % off", "-$1.20"),
        ("Billing credits, for usage", "-$1.50"),
    ]
    assert (made["total"], bill.charged_minor) == (925, 925)
    assert bill_of(customer).charged_minor == 1000  # it was for one invoice
    assert reconcile(now=clock.now()).differences == []


def test_a_webhook_alone_tells_of_it(client: Client, customer: Customer) -> None:
    discount(customer, {"percent_off": 50, **FOREVER})
    InvoiceTerms.objects.update(discounts=[])

    assert deliver(client, "customer.discount.updated", {"customer": customer.account.stripe_customer_id}) == 200
    terms.refresh_stale()

    assert bill_of(customer).charged_minor == 500


def test_a_change_that_is_told_of_while_stripe_is_asked_is_asked_for_too(customer: Customer) -> None:
    def tell(**kwargs: Any) -> None:
        terms.mark_stale(organization_id=customer.organization.pk)

    discount(customer, {"percent_off": 50, **FOREVER})
    terms.mark_stale(organization_id=customer.organization.pk)
    post_save.connect(tell, sender=Coupon)  # it is stored between the question and the answer
    try:
        assert terms.refresh_stale() == 1
    finally:
        post_save.disconnect(tell, sender=Coupon)

    assert terms.refresh_stale() == 1
    assert terms.refresh_stale() == 0


def test_an_older_answer_overwrites_no_newer_one(client: Client, customer: Customer) -> None:
    def ask_meanwhile(**kwargs: Any) -> None:
        post_save.disconnect(ask_meanwhile, sender=Coupon)
        gateway.client().v1.subscriptions.update(customer.account.stripe_subscription_id, {"discounts": ""})
        gateway.client().v1.billing.credit_grants.expire(CreditGrant.objects.get().stripe_id)
        terms.refresh_terms(customer.account)

    discount(customer, {"percent_off": 50, **FOREVER})
    have_credits(client, customer)
    post_save.connect(ask_meanwhile, sender=Coupon)  # it is stored between the question and the answer
    terms.refresh_terms(customer.account)

    assert InvoiceTerms.objects.get(organization=customer.organization).discounts == []
    assert (customer.account.credit_minor, CreditGrant.objects.get().left_minor) == (0, 0)


def test_terms_that_stripe_does_not_tell_just_now_are_asked_for_again(
    sandbox: SandboxServer, customer: Customer
) -> None:
    discount(customer, {"percent_off": 50, **FOREVER})
    terms.mark_stale(organization_id=customer.organization.pk)
    with sandbox.failing(effect="status", status=503, path="/v1/subscriptions/*"):
        assert terms.refresh_stale() == 0

    assert terms.refresh_stale() == 1
    assert terms.refresh_stale() == 0


def test_the_billing_page_shows_it(client: Client, customer: Customer) -> None:
    discount(customer, {"percent_off": 10, **FOREVER}, code="SPRING")
    client.force_login(add_member(customer))

    page = client.get("/app/billing/").content.decode()

    assert "Discount SPRING, 10 % off" in page
    assert "$9.00" in page
