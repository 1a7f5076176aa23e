"""Webhooks that never came are made up for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from djstripe.models import Event, Invoice
from stripe import StripeClient

from billing.models import BillingAccount, EventCursor, Plan
from billing.plans.publishing import publish_plans
from billing.stripe_billing.client import StripeUnavailable
from billing.subscriptions import catching_up
from billing.subscriptions.catching_up import catch_up, look_for_payment
from billing.subscriptions.checkout import AlreadySubscribed, start_checkout
from billing.subscriptions.full_sync import sync_everything
from billing.subscriptions.plan_changes import cancel_now
from billing.subscriptions.subscribing import subscribe
from common import clock
from tests.billing.subscribing import make_paying_customer, pay
from tests.factories import Customer, make_customer
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


def checkout(customer: Customer) -> str:
    """Open a page of Checkout's."""
    publish_plans()
    return start_checkout(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))


def pay_by_checkout(customer: Customer, stripe: StripeClient) -> None:
    pay(checkout(customer))


def pay_by_api(customer: Customer, stripe: StripeClient) -> None:
    publish_plans()
    made = subscribe(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))
    stripe.v1.payment_intents.confirm(made.client_secret.partition("_secret_")[0], {"payment_method": "pm_card_visa"})


WAYS = pytest.mark.parametrize("way", [pay_by_checkout, pay_by_api])


@WAYS
def test_a_payment_of_which_no_webhook_told_is_found_within_two_minutes(sandbox, stripe, way):
    customer = make_customer()
    way(customer, stripe)

    assert catch_up(now=clock.now() + timedelta(minutes=1)) == 1

    assert customer.account.plan.code == "pro_haiku"
    assert customer.account.checkout_session_id == ""


def test_a_payment_a_day_after_the_page_was_opened_is_found(sandbox):
    customer = make_customer()
    page = checkout(customer)
    sandbox.advance("1 hour")
    assert catch_up(now=clock.now()) == 0
    for _ in range(22):
        sandbox.advance("1 hour")
    pay(page)

    assert catch_up(now=clock.now() + timedelta(minutes=1)) == 1


def test_a_checkout_that_was_not_paid_changes_nothing(sandbox):
    customer = make_customer()
    checkout(customer)

    assert catch_up(now=clock.now() + timedelta(minutes=1)) == 0

    assert customer.account.plan.is_trial


def test_a_look_at_the_billing_page_finds_a_payment_at_once(sandbox, stripe):
    customer = make_customer()
    pay_by_api(customer, stripe)
    browser = Client()
    browser.force_login(customer.organization.memberships.get(role="owner").user)

    browser.get("/app/billing/")

    assert customer.account.plan.code == "pro_haiku"


def test_a_look_does_not_wait_for_a_stripe_that_hangs(sandbox, monkeypatch):
    monkeypatch.setattr(catching_up, "LOOK_TIMEOUT_S", 0.2)
    customer = make_customer()
    checkout(customer)
    begun_at = time.monotonic()

    with sandbox.failing(effect="slow", delay_s=5, path="/v1/subscriptions"), pytest.raises(StripeUnavailable):
        look_for_payment(customer.account)

    assert time.monotonic() - begun_at < 2


def test_looking_again_and_again_asks_stripe_once(sandbox):
    customer = make_customer()
    checkout(customer)
    asked = requests(sandbox)

    for _ in range(3):
        look_for_payment(customer.account)

    assert requests(sandbox) == asked + 1


@pytest.mark.parametrize(("way", "again"), [(pay_by_checkout, subscribe), (pay_by_api, start_checkout)])
def test_trying_again_finds_a_payment_at_once(sandbox, stripe, way, again):
    customer = make_customer()
    way(customer, stripe)

    with pytest.raises(AlreadySubscribed):
        again(account=customer.account, plan=Plan.objects.get(code="pro_haiku"))

    assert customer.account.plan.code == "pro_haiku"


def test_a_page_that_webhooks_told_of_does_not_bar_a_later_checkout(sandbox):
    customer = make_customer()
    pay(checkout(customer))
    catch_up(now=clock.now() + timedelta(minutes=1))
    cancel_now(account=customer.account, now=clock.now())

    assert start_checkout(account=customer.account, plan=Plan.objects.get(code="pro_haiku")).startswith(sandbox.url)


def test_what_webhooks_told_is_not_fetched_again(sandbox, stripe):
    customer = make_paying_customer()
    for told in stripe.v1.events.list({"limit": 100}).data:
        Event.objects.create(id=told.id, type=told.type, data={}, stripe_data={}, livemode=False, created=clock.now())
    asked = requests(sandbox)

    catch_up(now=clock.now() + timedelta(minutes=1))
    catch_up(now=clock.now() + timedelta(minutes=2))

    assert requests(sandbox) == asked + 2 * 2  # the list of events, twice a run: it takes twenty types at a time
    assert customer.account.plan.code == "pro_haiku"


def test_a_clock_that_was_set_back_hides_no_event(sandbox):
    EventCursor.objects.create(read_until=clock.now() + timedelta(days=31))
    customer = make_customer()
    pay(checkout(customer))

    assert catch_up(now=clock.now() + timedelta(minutes=1)) == 1


def requests(sandbox: SandboxServer) -> int:
    return len(sandbox.control("GET", "/requests?limit=1000")["requests"])


def cancel(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.subscriptions.cancel(account.stripe_subscription_id)
    return "trial, canceled, paid"


def delete_the_customer(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.customers.delete(account.stripe_customer_id)
    return "trial, canceled, paid"


def pause_collection(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.subscriptions.update(account.stripe_subscription_id, {"pause_collection": {"behavior": "void"}})
    return "active, active, paid"


def plan_the_end(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.subscriptions.update(account.stripe_subscription_id, {"cancel_at_period_end": True})
    return "active, active, paid"


def void_the_open_invoice(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.invoices.void_invoice(newest_invoice(stripe, account))
    return "past_due, past_due, void"


def note_a_payment_out_of_band(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.invoices.pay(newest_invoice(stripe, account), {"paid_out_of_band": True})
    return "active, active, paid"


def write_it_off(stripe: StripeClient, account: BillingAccount) -> str:
    stripe.v1.invoices.mark_uncollectible(newest_invoice(stripe, account))
    return "past_due, past_due, uncollectible"


def newest_invoice(stripe: StripeClient, account: BillingAccount) -> str:
    return stripe.v1.invoices.list({"customer": account.stripe_customer_id, "limit": 1}).data[0].id


OF_AN_OPEN_INVOICE = [void_the_open_invoice, note_a_payment_out_of_band, write_it_off]


ACTS = [cancel, delete_the_customer, pause_collection, plan_the_end, *OF_AN_OPEN_INVOICE]


@pytest.mark.parametrize(
    ("act", "fetch"),
    [*((act, "events") for act in ACTS), (cancel, "everything"), (void_the_open_invoice, "everything")],
)
def test_each_act_in_stripes_dashboard_arrives_without_a_webhook(sandbox, stripe, act, fetch):
    customer = make_paying_customer()
    if act in OF_AN_OPEN_INVOICE:
        sandbox.control("POST", "/settings", {"decline_next_payments": 1})
        sandbox.advance("1 month")
    sandbox.advance("2 hours")
    catch_up(now=clock.now())
    before = customer.account

    expected = act(stripe, before)
    if fetch == "events":
        catch_up(now=clock.now() + timedelta(minutes=1))
    else:
        sync_everything()

    account = customer.account
    invoice = Invoice.objects.get(id=newest_invoice(stripe, account)) if act is not delete_the_customer else None
    status = invoice.stripe_data["status"] if invoice else "paid"
    assert f"{account.status}, {account.stripe_status}, {status}" == expected
    assert (account.cancel_at is not None) == (act is plan_the_end)


def test_a_renewal_is_found(sandbox):
    customer = make_paying_customer()
    before = customer.account
    sandbox.advance("1 month")
    sandbox.advance("1 hour")

    assert catch_up(now=clock.now()) == 1

    after = customer.account
    assert after.period_starts_at == before.period_ends_at
    assert after.stripe_period_ends_at > clock.now()
    assert catch_up(now=clock.now()) == 0


@contextmanager
def failing_for(account: BillingAccount) -> Iterator[None]:
    """Refuse to read the account of a customer at Stripe, as a row that is broken would."""

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        of_one = '"billing_billingaccount"."stripe_customer_id" = ' in sql and " IN " not in sql
        if of_one and account.stripe_customer_id in params:
            raise DatabaseError("this row is broken")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("fetch", ["events", "renewals", "everything"])
def test_an_account_that_fails_stops_no_other(sandbox, caplog, fetch):
    first, second = make_customer(), make_customer()
    for each in (first, second):
        pay(checkout(each))
    if fetch == "renewals":
        catch_up(now=clock.now() + timedelta(minutes=1))
        sandbox.advance("1 month")
        sandbox.advance("1 hour")
        EventCursor.objects.update(read_until=clock.now())

    with failing_for(first.account):
        found = sync_everything() if fetch == "everything" else catch_up(now=clock.now() + timedelta(minutes=1))

    assert found == 1
    assert second.account.period_ends_at > clock.now()
    assert second.account.plan.code == "pro_haiku"
    assert "an account could not be brought in line with Stripe" in caplog.text


def test_an_object_of_which_stripe_does_not_tell_now_is_asked_for_again(sandbox, stripe):
    first, second = make_paying_customer(), make_paying_customer(publish=False)
    catch_up(now=clock.now() + timedelta(minutes=1))
    for each in (first, second):
        cancel(stripe, each.account)
    asked_for = f"/v1/subscriptions/{first.account.stripe_subscription_id}"

    with sandbox.failing(effect="status", status=503, path=asked_for):
        catch_up(now=clock.now() + timedelta(minutes=5))
    assert (first.account.plan.is_trial, second.account.plan.is_trial) == (False, True)
    catch_up(now=clock.now() + timedelta(minutes=6))

    assert first.account.plan.is_trial


def test_an_object_that_the_database_did_not_take_is_asked_for_again(sandbox, stripe):
    customer = make_paying_customer()
    catch_up(now=clock.now() + timedelta(minutes=1))
    cancel(stripe, customer.account)

    with failing_for(customer.account):
        assert catch_up(now=clock.now() + timedelta(minutes=5)) == 0

    assert catch_up(now=clock.now() + timedelta(minutes=6)) == 1
    assert customer.account.plan.is_trial


def test_while_stripe_is_down_it_waits(sandbox):
    customer = make_customer()
    pay(checkout(customer))
    with sandbox.failing(effect="status", status=503):
        assert catch_up(now=clock.now() + timedelta(minutes=1)) == 0

    assert catch_up(now=clock.now() + timedelta(minutes=1)) == 1
