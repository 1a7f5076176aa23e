"""Subscribing, changing the plan, canceling and resuming by the management API, at the sandbox's Stripe."""

from decimal import Decimal

import pytest

from billing.models import MeterEvent, Plan
from billing.plans.publishing import publish_plans
from billing.subscriptions.catching_up import catch_up
from billing.subscriptions.checkout import start_checkout
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import begin, settle
from tests.rgent.management_api.at_stripe import fail_the_card, invoice_of, pay, subscriptions_of, synced
from tests.rgent.management_api.client import Manager, make_manager
from tests.sandbox.running import http_call
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def newcomer(sandbox: SandboxServer) -> Manager:
    """The manager of an organization on the trial, with plans in Stripe."""
    publish_plans()
    return make_manager()


@pytest.fixture
def subscriber(sandbox: SandboxServer) -> Manager:
    """The manager of an organization on Pro Haiku."""
    return make_manager(make_paying_customer())


def test_a_subscription_begins_when_its_client_secret_is_paid_with(newcomer, stripe):
    made = newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    before = newcomer.get("/subscription")

    pay(stripe, made["client_secret"])

    assert before["status"] == "trial"
    after = synced(newcomer, made["subscription_id"])
    assert (after["plan"], after["status"], after["stripe_status"]) == ("pro_haiku", "active", "active")


def test_the_card_is_kept_for_the_invoices_to_come(newcomer, stripe, sandbox):
    made = newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    pay(stripe, made["client_secret"])
    synced(newcomer, made["subscription_id"])

    let_a_month_pass(sandbox, newcomer.customer)

    assert [row["status"] for row in newcomer.get("/invoices")] == ["paid", "paid"]


def test_asking_again_gives_the_same_subscription(newcomer, stripe):
    first = newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    again = newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)

    assert again == first
    assert subscriptions_of(stripe, newcomer) == ["incomplete"]


def test_asking_for_another_plan_leaves_one_to_be_paid(newcomer, stripe):
    newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    other = newcomer.ok("POST", "/subscription", {"plan": "pro_sonnet"}, status=201)

    assert subscriptions_of(stripe, newcomer).count("incomplete") == 1
    pay(stripe, other["client_secret"])
    assert synced(newcomer, other["subscription_id"])["plan"] == "pro_sonnet"


def test_a_checkout_and_a_subscription_by_api_cannot_both_be_paid(newcomer, stripe):
    page = start_checkout(account=newcomer.customer.account, plan=Plan.objects.get(code="pro_haiku"))
    newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    closed = http_call("GET", page)

    start_checkout(account=newcomer.customer.account, plan=Plan.objects.get(code="pro_haiku"))

    assert "4242" not in closed.body.decode()
    assert "incomplete" not in subscriptions_of(stripe, newcomer)


def test_one_that_was_paid_a_moment_ago_is_found_rather_than_doubled(newcomer, stripe):
    made = newcomer.ok("POST", "/subscription", {"plan": "pro_haiku"}, status=201)
    pay(stripe, made["client_secret"])

    status, kind, _ = newcomer.error("POST", "/subscription", {"plan": "pro_haiku"})

    assert (status, kind) == (409, "conflict_error")
    assert newcomer.get("/subscription")["subscription_id"] == made["subscription_id"]
    assert subscriptions_of(stripe, newcomer) == ["active"]


def test_a_subscriber_cannot_subscribe_again(subscriber):
    assert subscriber.error("POST", "/subscription", {"plan": "pro_sonnet"})[0] == 409


@pytest.mark.parametrize("plan", ["trial", "pro_opus", "", 5, None])
def test_only_a_paid_plan_on_sale_can_be_subscribed_to(newcomer, plan):
    status, _, message = newcomer.error("POST", "/subscription", {"plan": plan})

    assert (status, message.partition(":")[0]) == (400, "plan")


def test_a_plan_that_is_not_in_stripe_yet_is_a_503(manager, sandbox):
    assert manager.error("POST", "/subscription", {"plan": "pro_haiku"})[:2] == (503, "api_error")


def test_a_change_is_previewed_to_the_cent_that_is_charged(subscriber, sandbox):
    use(subscriber.customer, input_tokens=5000, output_tokens=2000)
    sandbox.advance("1 day")

    preview = subscriber.ok("POST", "/subscription/preview", {"plan": "pro_sonnet"})
    subscriber.ok("POST", "/subscription/change", {"plan": "pro_sonnet", "at": preview["at"]})

    made = subscriber.get("/invoices")[0]
    assert made["total_minor"] == preview["total_minor"] == "2"
    assert made["status"] == "paid"
    assert sum(int(line["charged_minor"]) for line in preview["lines"]) == 2


def test_the_base_is_prorated_at_the_instant_of_the_preview(sandbox):
    Plan.objects.filter(code="pro_sonnet").update(base_price=Decimal(40))
    subscriber = make_manager(make_paying_customer())
    sandbox.advance("1 day")
    preview = subscriber.ok("POST", "/subscription/preview", {"plan": "pro_sonnet"})
    sandbox.advance("10 days")
    later = subscriber.ok("POST", "/subscription/preview", {"plan": "pro_sonnet"})

    subscriber.ok("POST", "/subscription/change", {"plan": "pro_sonnet", "at": preview["at"]})

    assert subscriber.get("/invoices")[0]["total_minor"] == preview["total_minor"]
    assert int(preview["total_minor"]) > int(later["total_minor"]) > 1000


def test_a_preview_changes_nothing(subscriber, stripe):
    before = subscriber.get("/subscription")

    subscriber.ok("POST", "/subscription/preview", {"plan": "pro_sonnet"})

    assert synced(subscriber, before["subscription_id"]) == before


def test_usage_is_sent_before_the_change_and_billed_at_its_own_price(subscriber, stripe, sandbox):
    now = clock.now()
    settle(begin(subscriber.customer, now=now), now=now, input_tokens=5000, output_tokens=2000)

    changed = subscriber.ok("POST", "/subscription/change", {"plan": "pro_sonnet"})

    made = invoice_of(subscriber, total_minor="2")
    assert changed["plan"] == "pro_sonnet"
    assert MeterEvent.objects.filter(state="sent").count() == 2
    assert sandbox.meter_totals()["rgent_claude_haiku_5_5_input_tokens"] == 5000
    assert {"1"} == {line["charged_minor"] for line in made["lines"] if "tokens" in line["description"].lower()}


def test_what_was_invoiced_with_the_change_is_not_on_the_bill_again(subscriber, sandbox):
    use(subscriber.customer, input_tokens=5000, output_tokens=2000)
    sandbox.advance("1 day")
    subscriber.ok("POST", "/subscription/change", {"plan": "pro_sonnet"})
    before = subscriber.get("/bill")
    use(subscriber.customer, input_tokens=1_000_000)

    bill = subscriber.get("/bill")
    let_a_month_pass(sandbox, subscriber.customer)

    assert (before["exact_minor"], bill["exact_minor"]) == ("1000", "1500")
    assert subscriber.get("/invoices")[0]["total_minor"] == bill["charged_minor"]


def test_a_cap_counts_what_was_spent_before_the_change(subscriber):
    use(subscriber.customer, input_tokens=5000, output_tokens=2000)

    subscriber.ok("POST", "/subscription/change", {"plan": "pro_sonnet"})

    assert subscriber.get("/cap")["spent_minor"] == "1.95"


def test_a_declined_card_changes_nothing(subscriber, stripe, sandbox):
    use(subscriber.customer, input_tokens=50_000_000)
    before = subscriber.get("/subscription")
    fail_the_card(stripe, subscriber)

    status, kind, message = subscriber.error("POST", "/subscription/change", {"plan": "pro_sonnet"})

    assert (status, kind) == (402, "billing_error")
    assert "declined" in message
    assert synced(subscriber, before["subscription_id"]) == before


def test_usage_that_cannot_be_sent_stops_the_change(subscriber, sandbox):
    now = clock.now()
    settle(begin(subscriber.customer, now=now), now=now, input_tokens=5000)

    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"):
        status, kind, message = subscriber.error("POST", "/subscription/change", {"plan": "pro_sonnet"})

    assert (status, kind) == (503, "api_error")
    assert "try again" in message
    assert subscriber.get("/subscription")["plan"] == "pro_haiku"


def test_the_plan_one_has_is_no_change(subscriber):
    assert subscriber.error("POST", "/subscription/change", {"plan": "pro_haiku"})[0] == 409
    assert subscriber.error("POST", "/subscription/preview", {"plan": "pro_haiku"})[0] == 409


def test_a_subscription_ends_with_its_period_and_can_be_taken_up_again(subscriber):
    period = subscriber.get("/subscription")["period"]

    canceled = subscriber.ok("POST", "/subscription/cancel")
    resumed = subscriber.ok("POST", "/subscription/resume")

    assert (canceled["status"], canceled["cancel_at"]) == ("active", period["ends_at"])
    assert resumed["cancel_at"] is None
    assert subscriber.error("POST", "/subscription/resume")[0] == 409


def test_a_canceled_subscription_is_the_trial_after_its_last_invoice(subscriber, sandbox):
    use(subscriber.customer, input_tokens=5000, output_tokens=2000)
    subscriber.ok("POST", "/subscription/cancel", {"at": "period_end"})

    let_a_month_pass(sandbox, subscriber.customer)
    catch_up(now=clock.now())

    assert subscriber.get("/subscription")["status"] == "trial"
    assert subscriber.get("/bill")["charged_minor"] == "0"


def test_canceling_now_bills_the_usage_so_far_and_leaves_the_trial(subscriber):
    now = clock.now()
    settle(begin(subscriber.customer, now=now), now=now, input_tokens=50_000_000)

    ended = subscriber.ok("POST", "/subscription/cancel", {"at": "now"})

    assert (ended["plan"], ended["status"], ended["subscription_id"]) == ("trial", "trial", None)
    assert invoice_of(subscriber, total_minor="6500")["status"] == "paid"
    assert subscriber.get("/bill")["exact_minor"] == "0"


def test_who_canceled_can_subscribe_again(subscriber, stripe):
    subscriber.ok("POST", "/subscription/cancel", {"at": "now"})

    made = subscriber.ok("POST", "/subscription", {"plan": "pro_sonnet"}, status=201)
    pay(stripe, made["client_secret"])

    assert synced(subscriber, made["subscription_id"])["plan"] == "pro_sonnet"


@pytest.mark.parametrize("action", ["preview", "change", "cancel", "resume"])
def test_without_a_subscription_there_is_nothing_to_change(newcomer, action):
    body = {"plan": "pro_haiku"} if action in {"preview", "change"} else {}

    status, kind, message = newcomer.error("POST", f"/subscription/{action}", body)

    assert (status, kind) == (409, "conflict_error")
    assert "Subscribe to a plan first" in message


def test_a_stripe_that_is_down_is_a_503_that_says_nothing_was_changed(subscriber, sandbox):
    with sandbox.failing(effect="status", status=503):
        answers = {
            action: subscriber.error("POST", f"/subscription/{action}", body)[0]
            for action, body in [("preview", {"plan": "pro_sonnet"}), ("cancel", {}), ("cancel", {"at": "now"})]
        }

    assert set(answers.values()) == {503}
    assert subscriber.get("/subscription")["cancel_at"] is None
