"""Plans, the trial's subscription, invoices and the organization by the management API."""

from datetime import UTC, datetime

import pytest

from billing.models import Plan
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import begin
from tests.rgent.management_api.client import make_manager
from tests.sandbox.running import client

pytestmark = pytest.mark.django_db


def test_plans_are_those_of_the_pricing_page_with_exact_prices(manager):
    plans = {plan["code"]: plan for plan in manager.get("/plans")}

    haiku = {price["token_class"]: price["per_token_minor"] for price in plans["pro_haiku"]["models"][0]["prices"]}
    assert set(plans) == set(Plan.objects.filter(is_active=True).values_list("code", flat=True))
    assert plans["pro_haiku"]["base_minor"] == "1000"
    assert (haiku["input"], haiku["output"], haiku["cache_read"]) == ("0.00013", "0.00065", "0.000013")
    assert plans["trial"]["trial_requests"] == 50
    assert plans["trial"]["models"][0]["prices"] == []


def test_a_plan_off_sale_is_not_listed(manager):
    Plan.objects.filter(code="pro_sonnet").update(is_active=False)

    assert "pro_sonnet" not in [plan["code"] for plan in manager.get("/plans")]


def test_the_subscription_of_a_trial_tells_what_is_left_of_it(manager):
    begin(manager.customer, now=datetime.now(UTC))

    standing = manager.get("/subscription")

    assert (standing["plan"], standing["status"], standing["subscription_id"]) == ("trial", "trial", None)
    assert standing["trial"] == {"requests": 50, "remaining": 49}


def test_invoices_are_those_of_stripe_to_the_cent(sandbox):
    customer = make_paying_customer()
    manager = make_manager(customer)
    use(customer, input_tokens=5000, output_tokens=2000)
    let_a_month_pass(sandbox, customer)

    listed = manager.get("/invoices")
    detail = manager.get(f"/invoices/{listed[0]['id']}")

    assert [(row["total_minor"], row["status"], row["unpaid_minor"]) for row in listed] == [
        ("1002", "paid", "0"),
        ("1000", "paid", "0"),
    ]
    assert (detail["exact_minor"], detail["adjustments_minor"]) == ("1001.95", "0")
    assert sorted(line["exact_minor"] for line in detail["lines"]) == ["0.65", "1.3", "1000"]
    assert detail["hosted_url"].startswith(sandbox.url)


def test_the_organization_is_renamed_here_and_at_stripe(sandbox):
    manager = make_manager(make_paying_customer())

    renamed = manager.ok("PATCH", "/organization", {"name": "Acme", "email": "bills@acme.example"})

    at_stripe = client(sandbox.url).v1.customers.retrieve(manager.customer.account.stripe_customer_id)
    assert (renamed["name"], renamed["email"]) == ("Acme", "bills@acme.example")
    assert manager.get("/organization") == renamed
    assert (at_stripe.name, at_stripe.email) == ("Acme", "bills@acme.example")


def test_an_organization_that_stripe_could_not_rename_keeps_its_name(sandbox):
    manager = make_manager(make_paying_customer())
    before = manager.get("/organization")

    with sandbox.failing(effect="status", status=503, path="/v1/customers/*"):
        status, kind, message = manager.error("PATCH", "/organization", {"name": "Acme"})

    assert (status, kind) == (503, "api_error")
    assert "Nothing was changed" in message
    assert manager.get("/organization") == before


def test_an_organization_without_a_stripe_customer_is_renamed_alone(manager):
    assert manager.ok("PATCH", "/organization", {"name": "Acme"})["name"] == "Acme"
    assert manager.error("PATCH", "/organization", {"name": " "})[2] == "name: This field may not be blank."
