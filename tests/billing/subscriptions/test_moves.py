"""Subscribers are moved to other prices, at the sandbox's Stripe, with requests before, over and after the move."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billing.bills.current import current_bill
from billing.bills.invoices import InvoiceDetail, invoice_of, invoices_of
from billing.metering.late_usage import bill_late_usage
from billing.metering.posting import post_due
from billing.models import BillingAccount, Plan, PlanMove, PlanPrice, PlanVersion
from billing.plans.default_plans import HAIKU, SONNET
from billing.plans.price_lists import current_prices, price_list, revise_price, withdraw_model
from billing.plans.publishing import publish_plans
from billing.plans.versions import offered_version
from billing.reconciliation.run import reconcile
from billing.stripe_billing.sync import sync_invoices
from billing.subscriptions.making_moves import make_due_moves
from billing.subscriptions.move_preview import preview_moves
from billing.subscriptions.moves import CannotMove, call_off, plan_moves, subscribers, take_back
from billing.subscriptions.plan_changes import cancel_later, change_plan
from billing.subscriptions.refreshing import refresh_subscription
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db
NOW, RENEWAL = PlanMove.When.NOW, PlanMove.When.RENEWAL
NO_NOTICE = timedelta(0)


def haiku() -> Plan:
    return Plan.objects.get(code="pro_haiku")


def raise_prices(*, base: int = 20, times: int = 2) -> PlanVersion:
    """Publish a version with another base, and with input at another price."""
    Plan.objects.filter(code="pro_haiku").update(base_price=Decimal(base))
    price = next(row for row in current_prices(plan=haiku()) if row.token_class == "input")
    revise_price(price=price, price_per_1k=times * price.price_per_1k, now=clock.now())
    publish_plans()
    return on_offer()


def on_offer(code: str = "pro_haiku") -> PlanVersion:
    return offered_version(plan=Plan.objects.get(code=code))


def plan_move(customer: Customer, *, version: PlanVersion, when: str = NOW, notice: timedelta = NO_NOTICE) -> PlanMove:
    (move,) = plan_moves(
        accounts=[customer.account], version=version, when=when, notice=notice, planned_by=None, now=clock.now()
    )
    return move


def move_now(customer: Customer, *, version: PlanVersion) -> PlanMove:
    move = plan_move(customer, version=version)
    assert make_due_moves(now=clock.now()) == 1
    move.refresh_from_db()
    return move


def hear(customer: Customer) -> None:
    """Hear of the subscription and its invoices, as by webhooks."""
    refresh_subscription(
        subscription_id=customer.account.stripe_subscription_id, invoices_of=customer.account.stripe_customer_id
    )


def newest_invoice(customer: Customer) -> InvoiceDetail:
    customer_id = customer.account.stripe_customer_id
    return invoice_of(customer_id=customer_id, invoice_id=invoices_of(customer_id=customer_id)[0].stripe_id)


def has(customer: Customer, version: PlanVersion) -> bool:
    account = customer.account
    return (account.plan_id, account.priced_at) == (version.plan_id, version.priced_at)


def test_a_move_now_loses_no_usage_and_the_page_is_the_invoice(customer, sandbox):
    version = raise_prices()
    use(customer, input_tokens=1_000_000, output_tokens=1_000_000)
    over = begin(customer, now=clock.now())
    sandbox.advance("1 day")

    move = move_now(customer, version=version)
    settle(over, now=clock.now() + timedelta(seconds=1), input_tokens=2_000_000)
    post_due()
    bill_late_usage(now=clock.now())
    use(customer, input_tokens=4_000_000, output_tokens=2_000_000)
    shown = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)

    usage = [130, 260, 1040, 3 * 650]
    prorated = [line["amount"] for line in move.base_lines]
    invoice = newest_invoice(customer)
    assert has(customer, version)
    assert sorted(line.charged_minor for line in invoice.lines) == sorted([*usage, *prorated, 2000])
    assert invoice.summary.total_minor == shown.charged_minor == sum(usage) + sum(prorated) + 2000
    assert reconcile(now=clock.now()).differences == []


def test_a_move_at_renewal_bills_the_new_base_from_that_day_on(customer, sandbox):
    version = raise_prices()
    move = plan_move(customer, version=version, when=RENEWAL)
    use(customer, input_tokens=1_000_000)
    go_to_the_hour_before(move.due_at, sandbox=sandbox)
    too_early = make_due_moves(now=clock.now())
    hear(customer)
    shown = current_bill(account=customer.account, now=clock.now())
    sandbox.advance("1 hour")
    hear(customer)
    while_a_draft = make_due_moves(now=clock.now())

    sandbox.advance("1 day")
    sync_invoices(customer_id=customer.account.stripe_customer_id)
    made = make_due_moves(now=clock.now())

    invoice = newest_invoice(customer)
    assert (too_early, while_a_draft, made) == (0, 0, 1)
    assert has(customer, version)
    assert invoice.summary.total_minor == shown.charged_minor == 2000 + 130
    assert PlanMove.objects.get().base_lines == []


def go_to_the_hour_before(instant: datetime, *, sandbox: SandboxServer) -> None:
    while clock.now() + timedelta(days=1) < instant:
        sandbox.advance("1 day")
    while clock.now() + timedelta(hours=1) < instant:
        sandbox.advance("1 hour")


def test_where_the_hour_before_the_renewal_was_missed_the_base_is_prorated_from_it_on(customer, sandbox):
    version = raise_prices()
    plan_move(customer, version=version, when=RENEWAL)
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    hear(customer)

    assert make_due_moves(now=clock.now()) == 1

    assert [line["amount"] for line in PlanMove.objects.get().base_lines] == [-1000, 2000]
    assert current_bill(account=customer.account, now=clock.now()).charged_minor == 2000 - 1000 + 2000


def test_a_move_to_another_plan_keeps_the_bill_of_the_period(customer, sandbox):
    use(customer, input_tokens=1_000_000)
    before = customer.account.period_starts_at
    version = on_offer("pro_sonnet")

    move_now(customer, version=version)
    use(customer, input_tokens=1_000_000)
    shown = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)

    assert customer.account.plan.code == "pro_sonnet"
    assert shown.period.starts_at == before
    assert newest_invoice(customer).summary.total_minor == shown.charged_minor
    assert reconcile(now=clock.now()).differences == []


@pytest.mark.parametrize(("effect", "call"), [("rate_limit", 2), ("timeout_after", 1), ("timeout_after", 2)])
def test_a_move_that_breaks_off_is_made_once_by_the_next_run(customer, sandbox, effect, call):
    version = raise_prices()
    use(customer, input_tokens=1_000_000)
    move = plan_move(customer, version=version)
    path = {"method": "POST", "path": "/v1/subscriptions/*"}
    if call > 1:
        sandbox.fail(effect="slow", delay_s=0, times=call - 1, **path)
    with sandbox.failing(effect=effect, delay_s=0.1, **path):
        broken_off = make_due_moves(now=clock.now())
    PlanMove.objects.update(next_attempt_at=clock.now() - timedelta(days=1))

    made = make_due_moves(now=clock.now())

    use(customer, input_tokens=1_000_000)
    shown = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)
    move.refresh_from_db()
    assert (broken_off, made, move.state) == (0, 1, "made")
    assert newest_invoice(customer).summary.total_minor == shown.charged_minor
    assert reconcile(now=clock.now()).differences == []


def test_a_move_is_taken_back_to_the_version_before(customer, sandbox):
    before = on_offer()
    move = move_now(customer, version=raise_prices())
    sandbox.advance("1 day")

    back = take_back(move=move, when=NOW, notice=NO_NOTICE, planned_by=None, now=clock.now())
    make_due_moves(now=clock.now())

    shown = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)
    assert back.takes_back == move
    assert has(customer, before)
    assert newest_invoice(customer).summary.total_minor == shown.charged_minor
    back.refresh_from_db()
    with pytest.raises(CannotMove, match="only once"):
        take_back(move=move, when=NOW, notice=NO_NOTICE, planned_by=None, now=clock.now())


def test_a_model_that_was_taken_off_the_plan_is_gone_after_the_move(customer, stripe):
    for price in current_prices(plan=haiku()):
        PlanPrice.objects.create(plan=haiku(), model=SONNET, token_class=price.token_class, price_per_1k=1)
    publish_plans()
    move_now(customer, version=on_offer())
    with_both = models_of(customer.account)
    withdraw_model(plan=haiku(), model=HAIKU, now=clock.now())
    publish_plans()
    kept = models_of(customer.account)

    move_now(customer, version=on_offer())

    items = stripe.v1.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data
    assert (with_both, kept, models_of(customer.account)) == ([HAIKU, SONNET], [HAIKU, SONNET], [SONNET])
    assert len(items) == 1 + 5


def models_of(account: BillingAccount) -> list[str]:
    return price_list(plan_id=account.plan_id, priced_at=account.priced_at).models


def test_prices_that_do_not_differ_keep_their_items(customer, stripe):
    def items() -> dict[str, str]:
        found = stripe.v1.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data
        return {item.price.nickname: item.id for item in found}

    before = items()

    move_now(customer, version=raise_prices())

    changed = {name for name, item in items().items() if before[name] != item}
    assert changed == {f"{HAIKU}, input tokens"}


def test_nobody_is_moved_before_the_notice_is_over(customer, sandbox):
    version = raise_prices()
    plan_move(customer, version=version, notice=timedelta(days=3))

    before = make_due_moves(now=clock.now() + timedelta(days=2))
    sandbox.advance("1 day")
    sandbox.advance("1 day")
    sandbox.advance("1 day")

    assert (before, make_due_moves(now=clock.now())) == (0, 1)


def test_a_move_that_was_called_off_is_not_made(customer):
    move = plan_move(customer, version=raise_prices())

    call_off(move=move, now=clock.now())

    assert make_due_moves(now=clock.now()) == 0
    with pytest.raises(CannotMove, match="begun, or ended"):
        call_off(move=move, now=clock.now())


def test_a_subscriber_who_switches_plan_meanwhile_is_left_alone(customer):
    move = plan_move(customer, version=raise_prices())
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())

    make_due_moves(now=clock.now())

    move.refresh_from_db()
    assert (move.state, move.outcome) == ("lapsed", "The subscription was changed otherwise before.")
    assert customer.account.plan.code == "pro_sonnet"


def test_who_is_there_or_on_the_way_is_not_moved_twice(customer):
    version = raise_prices()
    plan_move(customer, version=version)

    assert not plan_moves(
        accounts=[customer.account], version=version, when=NOW, notice=NO_NOTICE, planned_by=None, now=clock.now()
    )


def test_the_preview_tells_the_base_to_the_cent(customer, sandbox):
    version = raise_prices()
    sandbox.advance("1 day")
    now = clock.now()
    (told,) = preview_moves(accounts=subscribers(plan=haiku()), version=version, when=NOW, notice=NO_NOTICE, now=now)
    plan_moves(accounts=[customer.account], version=version, when=NOW, notice=NO_NOTICE, planned_by=None, now=now)

    make_due_moves(now=clock.now())

    assert [line["amount"] for line in PlanMove.objects.get().base_lines] == [-told.credit_minor, told.charge_minor]
    assert [(change.name, change.before, change.after) for change in told.changes] == [
        ("Monthly base", "$10.00 a month", "$20.00 a month"),
        (f"{HAIKU}, input tokens", "$0.0013 per 1k", "$0.0026 per 1k"),
    ]


def test_a_subscription_that_ends_before_the_renewal_is_told_and_not_moved(customer, sandbox):
    version = raise_prices()
    cancel_later(account=customer.account)
    (told,) = preview_moves(
        accounts=subscribers(plan=haiku()), version=version, when=RENEWAL, notice=NO_NOTICE, now=clock.now()
    )
    move = plan_move(customer, version=version, when=RENEWAL)
    sandbox.advance("1 month")
    sandbox.advance("1 day")
    hear(customer)

    make_due_moves(now=clock.now())

    move.refresh_from_db()
    assert told.lapses
    assert (move.state, move.outcome) == ("lapsed", "The subscription ended before.")


def test_by_spend_a_move_changes_the_rates_and_no_metered_item(sandbox, stripe):
    Plan.objects.filter(code="pro_haiku").update(metering=Plan.Metering.SPEND)
    customer = make_paying_customer()
    use(customer, input_tokens=1_000_000)
    before = items_of(stripe, customer)

    move_now(customer, version=raise_prices(base=10))
    use(customer, input_tokens=1_000_000)
    shown = current_bill(account=customer.account, now=clock.now())
    let_a_month_pass(sandbox, customer)

    assert items_of(stripe, customer) == before
    assert newest_invoice(customer).summary.total_minor == shown.charged_minor == 1000 + 130 + 260
    assert reconcile(now=clock.now()).differences == []


def items_of(stripe, customer: Customer) -> set[str]:
    items = stripe.v1.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data
    return {item.id for item in items}
