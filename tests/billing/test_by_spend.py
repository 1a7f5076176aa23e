"""Plans metered by spend, at the sandbox's Stripe: one metered item, and numbers that agree to the cent."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from stripe import StripeClient

from billing import spend
from billing.bills import invoice_holds
from billing.bills.current import CurrentBill, current_bill
from billing.bills.invoices import InvoiceDetail, invoice_of, invoices_of
from billing.metering import outbox
from billing.metering.late_usage import bill_late_usage
from billing.metering.outbox import Metered, add_to_meter_events
from billing.metering.posting import post_due
from billing.models import Discrepancy, LateUsage, MeterEvent, Plan, PlanPrice
from billing.money import round_to_cents
from billing.plans.price_lists import forget_price_lists, price_list, revise_price
from billing.plans.publishing import publish_plans
from billing.plans.versions import version_to_sell
from billing.reconciliation.run import reconcile
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.catching_up import bring_up_to_date
from billing.subscriptions.checkout import start_checkout, terms_of
from billing.subscriptions.plan_changes import cancel_now, change_plan, preview_plan
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.by_spend import MODELS, make_plan
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, pay
from tests.factories import Customer, begin, make_customer, settle
from tests.rgent.management_api.client import make_manager
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

# Every class of every model: 4.047615 cents together, and no whole number of cents in any part.
EACH = {
    "input_tokens": 333,
    "cache_write_5m_tokens": 333,
    "cache_write_1h_tokens": 333,
    "cache_read_tokens": 333,
    "output_tokens": 333,
}
EACH_MINOR = 333 * Decimal("0.0012155") * (1 + 2 + 3 + 4)


@pytest.fixture
def plans(sandbox: SandboxServer) -> None:
    """Two plans by spend with the same four models; the second costs twice as much."""
    make_plan("pro_max")
    make_plan("pro_team", base=30, times=2)


@pytest.fixture
def customer(plans: None) -> Customer:
    """A customer of the first of them."""
    return make_paying_customer(plan_code="pro_max")


def use_all(customer: Customer) -> None:
    """Use every token class of every model, and bring it to Stripe."""
    for model in MODELS:
        settle(begin(customer, now=clock.now(), model=model), now=clock.now(), **EACH)
    bring_to_stripe()


def use_haiku(customer: Customer, *, input_tokens: int) -> None:
    """Use the cheapest model, and bring it to Stripe."""
    settle(begin(customer, now=clock.now(), model=MODELS[0]), now=clock.now(), input_tokens=input_tokens)
    bring_to_stripe()


def bring_to_stripe() -> None:
    post_due()
    outbox.send_due(now=clock.now())


def plan(code: str) -> Plan:
    return Plan.objects.get(code=code)


def switch(customer: Customer, code: str) -> None:
    change_plan(account=customer.account, plan=plan(code), now=clock.now())


def bill_of(customer: Customer) -> CurrentBill:
    return current_bill(account=customer.account, now=clock.now())


def newest_invoice(customer: Customer) -> InvoiceDetail:
    customer_id = customer.account.stripe_customer_id
    return invoice_of(customer_id=customer_id, invoice_id=invoices_of(customer_id=customer_id)[0].stripe_id)


def usage_of(bill: CurrentBill | InvoiceDetail) -> tuple[Any, ...]:
    """Return the bill's line of usage, and its parts."""
    (line,) = [line for line in bill.lines if line.description == "Usage"]
    parts = [(part.description, part.detail, part.quantity, part.exact_minor) for part in line.parts]
    return line.quantity, line.exact_minor, line.charged_minor, parts


def items_of(customer: Customer, stripe: StripeClient) -> list[tuple[str, str]]:
    found = stripe.v1.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data
    return [(item.id, item.price.recurring.usage_type) for item in found]


def test_a_plan_of_four_models_has_one_metered_item(customer, stripe):
    assert [usage_type for _, usage_type in items_of(customer, stripe)] == ["licensed", "metered"]
    assert sum(meter.event_name == spend.METER for meter in stripe.v1.billing.meters.list().data) == 1


def test_page_api_and_invoice_agree_to_the_cent_and_exactly(customer, sandbox):
    use_all(customer)
    running = bill_of(customer)
    api = make_manager(customer)
    over_api = api.get("/bill")

    let_a_month_pass(sandbox, customer)

    invoice = newest_invoice(customer)
    assert usage_of(running) == usage_of(invoice)
    assert usage_of(invoice)[:3] == (int(EACH_MINOR * 10**7), EACH_MINOR, round_to_cents(EACH_MINOR))
    assert len(usage_of(invoice)[3]) == 4 * 5
    assert sum(exact for *_, exact in usage_of(invoice)[3]) == EACH_MINOR
    assert invoice.summary.total_minor == running.charged_minor == int(over_api["charged_minor"])
    assert (invoice.exact_minor, Decimal(over_api["exact_minor"])) == (running.exact_minor, running.exact_minor)
    assert [api.get(f"/invoices/{invoice.summary.stripe_id}")["lines"][-1]["parts"]] == [over_api["lines"][-1]["parts"]]
    assert reconcile(now=clock.now()).differences == []


def test_a_switch_leaves_the_metered_item_and_bills_a_call_in_flight_by_it(customer, sandbox, stripe):
    use_all(customer)
    in_flight = begin(customer, now=clock.now(), model=MODELS[3])
    before = items_of(customer, stripe)

    switch(customer, "pro_team")
    settle(in_flight, now=clock.now(), **EACH)
    use_all(customer)
    running = bill_of(customer)

    assert items_of(customer, stripe) == before
    assert (customer.account.plan, LateUsage.objects.count()) == (plan("pro_team"), 0)
    let_a_month_pass(sandbox, customer)
    invoice = newest_invoice(customer)
    exact = EACH_MINOR + EACH_MINOR * 4 / 10 + EACH_MINOR * 2
    assert usage_of(invoice) == usage_of(running)
    assert usage_of(invoice)[:3] == (int(exact * 10**7), exact, round_to_cents(exact))
    assert invoice.summary.total_minor == running.charged_minor == 3000 + round_to_cents(exact)
    assert reconcile(now=clock.now()).differences == []


def test_a_preview_of_such_a_switch_is_of_the_base_alone(customer):
    use_all(customer)

    preview = preview_plan(account=customer.account, plan=plan("pro_team"), now=clock.now())

    assert [line.description for line in preview.lines if "Usage" in line.description] == []
    assert preview.total_minor == 2000


def test_a_standing_subscriber_keeps_the_price_list_until_moved(customer, sandbox, stripe):
    use_all(customer)
    old = PlanPrice.objects.get(plan=plan("pro_max"), model=MODELS[0], token_class="input")
    revise_price(price=old, price_per_1k=Decimal("0.003"), now=timezone.now())
    publish_plans()
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)
    forget_price_lists()
    use_haiku(customer, input_tokens=1000)
    newcomer = make_paying_customer(plan_code="pro_max")
    use_haiku(newcomer, input_tokens=1000)

    assert usage_of(bill_of(customer))[1] == EACH_MINOR + Decimal("0.13")
    assert usage_of(bill_of(newcomer))[1] == Decimal("0.3")

    newest = terms_of(version_to_sell(plan=plan("pro_max")))
    stripe.v1.subscriptions.update(customer.account.stripe_subscription_id, {"metadata": newest})
    refresh_subscription(subscription_id=customer.account.stripe_subscription_id)
    use_haiku(customer, input_tokens=1000)
    running = bill_of(customer)
    let_a_month_pass(sandbox, customer)

    assert usage_of(newest_invoice(customer)) == usage_of(running)
    assert usage_of(running)[1] == EACH_MINOR + Decimal("0.13") + Decimal("0.3")
    assert reconcile(now=clock.now()).differences == []


def test_what_ends_after_canceling_is_one_item_on_a_last_invoice(customer, sandbox):
    calls = [begin(customer, now=clock.now(), model=model) for model in MODELS]
    cancel_now(account=customer.account, now=clock.now())
    for call in calls:
        settle(call, now=clock.now(), **{name: tokens * 1000 for name, tokens in EACH.items()})
    post_due()
    shown = bill_of(customer)
    bill_late_usage(now=clock.now())
    sandbox.advance("1 day")
    sync_invoices(customer_id=customer.account.stripe_customer_id)

    invoice = newest_invoice(customer)
    charged = round_to_cents(EACH_MINOR * 1000)
    assert [(line.description, line.charged_minor) for line in invoice.lines] == [
        ("Usage on Pro Max. Ended after the plan was changed or canceled.", charged)
    ]
    assert (shown.charged_minor, invoice.summary.status) == (charged, "Paid")
    assert reconcile(now=clock.now()).differences == []


@pytest.mark.parametrize(("first", "then"), [("pro_max", "pro_haiku"), ("pro_haiku", "pro_max")])
def test_a_switch_to_the_other_metering_bills_each_at_its_own(plans, sandbox, first, then):
    customer = make_paying_customer(plan_code=first)
    use_haiku(customer, input_tokens=2_000_000)
    in_flight = begin(customer, now=clock.now(), model=MODELS[0])

    switch(customer, then)
    settle(in_flight, now=clock.now(), input_tokens=3_000_000)
    use_haiku(customer, input_tokens=1_000_000)
    bill_late_usage(now=clock.now())
    running = bill_of(customer)
    let_a_month_pass(sandbox, customer)

    invoice = newest_invoice(customer)
    assert invoice.summary.total_minor == running.charged_minor == 1000 + 390 + 130
    assert invoices_of(customer_id=customer.account.stripe_customer_id)[1].total_minor == 260
    assert reconcile(now=clock.now()).differences == []


def test_the_invoice_tells_models_and_classes_in_its_memo(customer, sandbox, stripe):
    use_all(customer)
    sandbox.advance("1 month")
    invoice_holds.hold_forgotten_drafts(now=clock.now())
    sandbox.advance("30 minutes")
    MeterEvent.objects.update(sent_at=timezone.now())

    assert invoice_holds.release_ready(now=clock.now())

    found = stripe.v1.invoices.list({"customer": customer.account.stripe_customer_id, "limit": 1}).data[0]
    lines = (found.description or "").splitlines()
    assert [line.split(":")[0] for line in lines] == sorted(MODELS)
    assert lines[1] == (
        "claude-haiku-5-5: $0.004047615 for tokens of input 333; cache write, 5 min 333; cache write, 1 h 333; "
        "cache read 333; output 333."
    )


def test_a_million_in_an_hour_is_refused_and_shown(customer):
    account = customer.account
    usage = Metered(
        organization_id=account.organization_id,
        event_name=spend.METER,
        value=spend.units_of(Decimal(100_000_000)),
        occurred_at=clock.now(),
        period_starts_at=account.period_starts_at,
    )
    add_to_meter_events([usage])
    outbox.send_due(now=clock.now())

    shown = Discrepancy.objects.get(kind="meter_event_rejected")
    assert (MeterEvent.objects.get().state, "15 digits" in shown.detail) == ("rejected", True)


def test_an_operator_who_swaps_the_base_in_stripes_dashboard_changes_the_plan(customer, stripe):
    account = customer.account
    base_id = items_of(customer, stripe)[0][0]
    stripe.v1.subscription_items.update(base_id, {"price": plan("pro_team").stripe_base_price_id})

    refresh_subscription(subscription_id=account.stripe_subscription_id)

    assert customer.account.plan == plan("pro_team")
    assert customer.account.priced_at == version_to_sell(plan=plan("pro_team")).priced_at


def test_a_checkout_sells_the_price_list_of_when_it_was_opened(plans, sandbox):
    publish_plans()
    customer = make_customer()
    url = start_checkout(account=customer.account, plan=plan("pro_max"))
    old = PlanPrice.objects.get(plan=plan("pro_max"), model=MODELS[0], token_class="input")
    revise_price(price=old, price_per_1k=Decimal("0.003"), now=timezone.now())
    publish_plans()

    pay(url)
    bring_up_to_date(customer.account)

    account = customer.account
    rates = price_list(plan_id=account.plan_id, priced_at=account.priced_at).rates
    assert (account.plan, rates[MODELS[0]]["input"]) == (plan("pro_max"), Decimal("0.00013"))
