"""Bills that begin and end within minutes: reconciliation finds the usage of each on its invoice, and bills nothing."""

from collections.abc import Callable

import pytest
from djstripe.models import Invoice, Subscription
from stripe import StripeClient

from billing.metering import outbox
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import EndedBill, LateUsage, MeterEvent, Plan
from billing.reconciliation.run import reconcile
from billing.stripe_billing import meters
from billing.subscriptions.ended_bills import bill_what_was_not_invoiced
from billing.subscriptions.plan_changes import cancel_now, change_plan
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, subscribe_again, use
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}
Act = Callable[[Customer], None]


def switch_to(code: str) -> Act:
    """Return the act of switching to a plan at once."""
    return lambda customer: change_plan(account=customer.account, plan=Plan.objects.get(code=code), now=clock.now())


def cancel(customer: Customer) -> None:
    cancel_now(account=customer.account, now=clock.now())


there, back = switch_to("pro_sonnet"), switch_to("pro_haiku")


def subscriber(*, haiku: str, sonnet: str) -> Customer:
    """Return a customer of Pro Haiku with usage. The plans are metered by tokens or by spend."""
    for code, metering in (("pro_haiku", haiku), ("pro_sonnet", sonnet)):
        Plan.objects.filter(code=code).update(metering=metering)
    customer = make_paying_customer()
    use(customer, **USED)
    return customer


def act_with_usage(customer: Customer, act: Act) -> None:
    """Act, with one call that runs meanwhile and one after it."""
    running = begin(customer, now=clock.now())
    act(customer)
    settle(running, now=clock.now(), input_tokens=77_000)
    use(customer, **USED)


def bring_to_stripe() -> None:
    while post_due():
        pass
    outbox.send_due(now=clock.now())
    bill_what_was_not_invoiced()
    bill_late_usage(now=clock.now())


def differences_and_billed() -> tuple[list[tuple[str, str, int, int]], int]:
    """Reconcile with repairs; return what differs, and how many rows of late usage are new."""
    before = LateUsage.objects.count()
    report = reconcile(now=clock.now(), repair=True)
    found = [(each.kind.value, each.about, each.expected, each.found) for each in report.differences]
    return found, LateUsage.objects.count() - before


@pytest.mark.parametrize(
    ("haiku", "sonnet", "pauses", "acts"),
    [
        pytest.param("tokens", "spend", ["9 seconds", ""], [there, cancel], id="switched_to_spend_and_canceled"),
        pytest.param("tokens", "spend", ["9 seconds", ""], [there, back], id="to_spend_and_back_in_a_second"),
        pytest.param("tokens", "spend", ["9 seconds"] * 3, [there, back, there], id="to_spend_and_back_in_a_minute"),
        pytest.param("tokens", "tokens", ["", ""], [there, back], id="in_the_second_in_which_the_bill_began"),
        pytest.param("tokens", "tokens", ["9 seconds", "", ""], [there, back, there], id="three_switches_in_a_second"),
        pytest.param("spend", "tokens", ["9 seconds", "", ""], [there, back, cancel], id="back_to_spend_and_canceled"),
        pytest.param("tokens", "tokens", ["9 seconds", ""], [cancel, subscribe_again], id="canceled_and_back"),
        pytest.param("spend", "spend", ["9 seconds"] * 2, [cancel, subscribe_again], id="back_nine_seconds_later"),
    ],
)
def test_the_usage_of_each_bill_is_found_on_its_invoice(
    sandbox: SandboxServer, haiku: str, sonnet: str, pauses: list[str], acts: list[Act]
) -> None:
    customer = subscriber(haiku=haiku, sonnet=sonnet)
    for pause, act in zip(pauses, acts, strict=True):
        if pause:
            sandbox.advance(pause)
        act_with_usage(customer, act)
    bring_to_stripe()
    let_a_month_pass(sandbox, customer)

    assert differences_and_billed() == ([], 0)


def forget_the_end() -> None:
    """Have a subscription as a webhook stored it that was fetched before the end."""
    for row in Subscription.objects.all():
        row.stripe_data["ended_at"] = None
        row.save()


def forget_the_last_bill() -> None:
    """Have the end of a subscription told by Stripe alone."""
    EndedBill.objects.all().delete()


@pytest.mark.parametrize("forget", [forget_the_end, forget_the_last_bill])
def test_a_last_line_is_of_its_own_subscription(sandbox: SandboxServer, forget: Callable[[], None]) -> None:
    customer = subscriber(haiku="spend", sonnet="spend")
    sandbox.advance("9 seconds")
    act_with_usage(customer, cancel)
    act_with_usage(customer, subscribe_again)
    bring_to_stripe()
    forget()
    let_a_month_pass(sandbox, customer)

    assert differences_and_billed() == ([], 0)


def test_a_bill_that_is_on_no_invoice_takes_no_line_of_the_next(sandbox: SandboxServer, stripe: StripeClient) -> None:
    customer = subscriber(haiku="spend", sonnet="tokens")
    for item in stripe.v1.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data:
        if item.price.recurring and item.price.recurring.meter:
            stripe.v1.subscription_items.delete(item.id, {"proration_behavior": "none"})
    used = MeterEvent.objects.get()
    for act in (there, back):
        sandbox.advance("9 seconds")
        act(customer)
    use(customer, input_tokens=7_000)
    let_a_month_pass(sandbox, customer)

    [(kind, about, *amounts)], billed = differences_and_billed()

    assert (kind, amounts, billed) == ("uninvoiced", [used.value, 0], 1)
    assert f"{used.period_starts_at:%H:%M:%S}" in about


def test_what_may_be_on_another_bill_is_named_and_not_billed_again(sandbox: SandboxServer) -> None:
    customer = subscriber(haiku="spend", sonnet="spend")
    event = MeterEvent.objects.get()
    meters.send_meter_event(
        event_name=event.event_name,
        customer_id=customer.account.stripe_customer_id,
        value=event.value,
        identifier="somebody-else",
        occurred_at=event.occurred_at,
    )
    let_a_month_pass(sandbox, customer)
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"):
        use(customer, **USED)
    let_a_month_pass(sandbox, customer)

    report = reconcile(now=clock.now(), repair=True)

    on_invoices = [each for each in report.differences if each.stage == "invoice"]
    assert sorted(each.kind for each in on_invoices) == ["late", "unknown_in_stripe"]
    assert not LateUsage.objects.exists()
    assert any("not billed again" in each.detail for each in on_invoices)


def test_an_invoice_that_is_older_than_the_ten_newest_is_fetched(sandbox: SandboxServer, stripe: StripeClient) -> None:
    customer = subscriber(haiku="spend", sonnet="spend")
    let_a_month_pass(sandbox, customer)
    Invoice.objects.all().delete()
    for _ in range(10):
        stripe.v1.invoices.create({"customer": customer.account.stripe_customer_id})
    sandbox.advance("4 days")

    assert differences_and_billed() == ([], 0)
