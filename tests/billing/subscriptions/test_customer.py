"""An organization's customer at Stripe, also one that was deleted there."""

import pytest
from django.conf import settings

from billing.metering import outbox, posting
from billing.models import MeterEvent, Plan
from billing.stripe_billing.client import StripeUnavailable
from billing.subscriptions.catching_up import finish_checkout
from billing.subscriptions.checkout import start_checkout
from billing.subscriptions.customer import change_contact, customer_of
from billing.subscriptions.refreshing import refresh_subscription
from billing.subscriptions.subscribing import subscribe
from common import clock
from tests.billing.subscribing import make_paying_customer, pay
from tests.factories import Customer, begin, settle
from tests.sandbox.running import http_call
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def gone(sandbox: SandboxServer) -> Customer:
    """A subscriber whose customer was deleted in Stripe's dashboard, which the webhook has told."""
    customer = make_paying_customer()
    account = customer.account
    key = {"authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"}
    http_call("DELETE", f"{sandbox.url}/v1/customers/{account.stripe_customer_id}", headers=key)
    refresh_subscription(subscription_id=account.stripe_subscription_id)
    return customer


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def test_the_organization_is_on_its_trial_again(gone: Customer) -> None:
    assert gone.account.plan.is_trial


def test_it_can_be_renamed(gone: Customer) -> None:
    before = gone.account.stripe_customer_id

    change_contact(organization=gone.organization, name="Renamed", email="new@example.com")

    gone.organization.refresh_from_db()
    assert (gone.organization.name, gone.organization.email) == ("Renamed", "new@example.com")
    assert gone.account.stripe_customer_id not in {"", before}


def test_it_can_subscribe_again_in_the_portal(gone: Customer) -> None:
    pay(start_checkout(account=gone.account, plan=haiku()))

    assert finish_checkout(account=gone.account, session_id=gone.account.checkout_session_id)
    assert gone.account.plan == haiku()


def test_it_can_subscribe_again_over_the_api(gone: Customer) -> None:
    assert subscribe(account=gone.account, plan=haiku()).client_secret


def test_one_customer_takes_its_place_and_stays(gone: Customer) -> None:
    first = customer_of(gone.account)

    assert customer_of(gone.account) == first == gone.account.stripe_customer_id


def test_usage_that_was_not_sent_yet_goes_to_the_customer_that_took_its_place(
    gone: Customer, sandbox: SandboxServer
) -> None:
    pay(start_checkout(account=gone.account, plan=haiku()))
    finish_checkout(account=gone.account, session_id=gone.account.checkout_session_id)
    settle(begin(gone, now=clock.now()), now=clock.now(), input_tokens=5000)

    posting.post_due()
    outbox.send_due(now=clock.now())

    assert set(MeterEvent.objects.values_list("state", flat=True)) == {"sent"}
    assert sum(sandbox.meter_totals().values()) == 5000


def test_a_stripe_that_does_not_answer_replaces_nobody(gone: Customer, sandbox: SandboxServer) -> None:
    before = gone.account.stripe_customer_id

    with (
        sandbox.failing(effect="status", status=503),
        pytest.raises(StripeUnavailable),
    ):
        customer_of(gone.account)

    assert gone.account.stripe_customer_id == before
