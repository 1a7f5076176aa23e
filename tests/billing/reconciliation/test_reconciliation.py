"""Reconciliation, at the sandbox's Stripe: faults are put in, found by name, and repaired."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from billing import spend
from billing.metering import outbox, posting
from billing.metering.late_usage import bill_late_usage
from billing.models import (
    BillingAccount,
    DailyUsage,
    Discrepancy,
    HourlyUsage,
    LateUsage,
    MeterEvent,
    Plan,
    ReconciledUsage,
    UsageRecord,
)
from billing.reconciliation.differences import Report
from billing.reconciliation.figures import one_moment, read_figures
from billing.reconciliation.run import reconcile
from billing.stripe_billing import client as gateway
from billing.stripe_billing import meters
from billing.subscriptions.plan_changes import change_plan
from common import clock
from tests.billing.subscribing import let_a_month_pass, make_paying_customer, use
from tests.factories import Customer, begin, settle
from tests.servers import SandboxServer

pytestmark = pytest.mark.django_db

INPUT = "rgent_claude_haiku_5_5_input_tokens"
METERS = [INPUT, spend.METER]
USED = {"input_tokens": 1_000_000, "output_tokens": 100_000}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a customer's usage, the kinds it is found as, and what the repair bills."""

    happens: Callable[[Customer, SandboxServer], None]
    kinds: list[str]
    billed_minor: int = 0
    kinds_by_spend: list[str] | None = None
    billed_minor_by_spend: int | None = None

    def expected(self, metering: str) -> tuple[list[str], int]:
        """Return the kinds and the repair's cents: by spend all usage is one line."""
        if metering == "tokens":
            return self.kinds, self.billed_minor
        billed_minor = self.billed_minor if self.billed_minor_by_spend is None else self.billed_minor_by_spend
        return self.kinds_by_spend or self.kinds, billed_minor


def sent_event() -> MeterEvent:
    return MeterEvent.objects.get(event_name__in=METERS, state="sent")


def lost(customer: Customer, sandbox: SandboxServer) -> None:
    """Stripe drops an event that it took."""
    use(customer, **USED)
    event = sent_event()
    cancel = {"event_name": event.event_name, "type": "cancel", "cancel": {"identifier": event.identifier}}
    gateway.client().v1.billing.meter_event_adjustments.create(cancel)  # type: ignore[arg-type]


def not_posted(customer: Customer, sandbox: SandboxServer) -> None:
    """A meter event is gone before it was sent."""
    settle(begin(customer, now=clock.now()), now=clock.now(), **USED)
    posting.post_due()
    MeterEvent.objects.filter(event_name__in=METERS).delete()
    outbox.send_due(now=clock.now())


def duplicated(customer: Customer, sandbox: SandboxServer) -> None:
    """An event is sent a second time, under another identifier."""
    use(customer, **USED)
    meters.send_meter_event(
        event_name=sent_event().event_name,
        customer_id=customer.account.stripe_customer_id,
        value=sent_event().value,
        identifier="somebody-else",
        occurred_at=sent_event().occurred_at,
    )


def unknown(customer: Customer, sandbox: SandboxServer) -> None:
    """Somebody else sends usage to the meter."""
    use(customer, **USED)
    meters.send_meter_event(
        event_name=sent_event().event_name,
        customer_id=customer.account.stripe_customer_id,
        value=77,
        identifier="somebody-else",
        occurred_at=sent_event().occurred_at,
    )


def late(customer: Customer, sandbox: SandboxServer) -> None:
    """Stripe has the usage after its invoice was final, which nothing held."""
    with sandbox.failing(effect="status", status=503, path="/v1/billing/meter_events"):
        use(customer, **USED)
    let_a_month_pass(sandbox, customer)
    MeterEvent.objects.update(next_attempt_at=timezone.now())
    outbox.send_due(now=clock.now())


def mispriced(customer: Customer, sandbox: SandboxServer) -> None:
    """A record costs one cent too much, on every page and of the cap as well."""
    use(customer, **USED)
    for table in (UsageRecord, DailyUsage, HourlyUsage):
        table.objects.update(cost_minor=Decimal(196))
    BillingAccount.objects.update(spent_minor=Decimal(196))


def altered(customer: Customer, sandbox: SandboxServer) -> None:
    """A total is edited by hand."""
    use(customer, **USED)
    DailyUsage.objects.update(output_tokens=99_999)


def line_missing(customer: Customer, sandbox: SandboxServer) -> None:
    """A metered item is taken off the subscription, and its usage with it."""
    use(customer, **USED)
    api = gateway.client().v1
    items = api.subscriptions.retrieve(customer.account.stripe_subscription_id)["items"].data
    meter_id = meters.meters_by_event_name()[sent_event().event_name]
    item = next(item for item in items if item.price.recurring and item.price.recurring.meter == meter_id)
    api.subscription_items.delete(item.id, {"proration_behavior": "none"})
    let_a_month_pass(sandbox, customer)


FAULTS = [
    Fault(lost, ["missing"]),
    Fault(not_posted, ["missing"]),
    Fault(duplicated, ["duplicate"]),
    Fault(unknown, ["unknown_in_stripe"]),
    Fault(late, ["late", "late"], billed_minor=195, kinds_by_spend=["late"]),
    Fault(mispriced, ["mispriced"]),
    Fault(altered, ["total_altered"]),
    Fault(line_missing, ["uninvoiced"], billed_minor=130, billed_minor_by_spend=195),
]


def let_it_settle(sandbox: SandboxServer) -> None:
    """Let what was sent so far be old enough for Stripe's summaries to show it."""
    sandbox.advance("2 hours")
    MeterEvent.objects.filter(state="sent").update(sent_at=timezone.now() - timedelta(hours=1))


def be_idle(customer: Customer) -> None:
    """Call no more."""


def be_busy(customer: Customer) -> None:
    """Have usage at every stage: sent just now, collected, settled, and in a request that runs."""
    use(customer, input_tokens=11)
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=13)
    posting.post_due()
    settle(begin(customer, now=clock.now()), now=clock.now(), input_tokens=17)
    begin(customer, now=clock.now())


def bring_to_stripe() -> None:
    """Do what the workers do."""
    while posting.post_due():
        pass
    outbox.send_due(now=clock.now())
    bill_late_usage(now=clock.now())


def reconciled(*, repair: bool = False) -> Report:
    return reconcile(now=clock.now(), repair=repair)


@pytest.mark.parametrize("go_on", [be_idle, be_busy])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.happens.__name__)
def test_a_fault_is_found_by_name_and_repaired_once(
    sandbox: SandboxServer, metering: str, fault: Fault, go_on: Callable[[Customer], None]
) -> None:
    customer = make_paying_customer()
    fault.happens(customer, sandbox)
    let_it_settle(sandbox)
    go_on(customer)

    first, again = reconciled(repair=True), reconciled(repair=True)

    kinds, billed_minor = fault.expected(metering)
    assert sorted(each.kind for each in first.differences) == kinds
    assert all(each.detail and first.repairs[each.subject] for each in first.differences)
    assert again.repairs == {}
    bring_to_stripe()
    let_it_settle(sandbox)
    assert reconciled().differences == []
    assert not Discrepancy.objects.filter(resolved_at=None).exists()
    billed = LateUsage.objects.filter(state="item_made")
    assert sum(row.amount_minor for row in billed) == billed_minor


@pytest.mark.parametrize("happens", [lost, not_posted, late, mispriced, altered, line_missing])
def test_a_repair_that_two_runs_make_is_made_once(
    sandbox: SandboxServer, metering: str, happens: Callable[[Customer, SandboxServer], None]
) -> None:
    customer = make_paying_customer()
    happens(customer, sandbox)
    let_it_settle(sandbox)
    differences = reconciled().differences

    for difference in [*differences, *differences]:
        assert difference.repair
        difference.repair()

    bring_to_stripe()
    let_it_settle(sandbox)
    assert reconciled().differences == []


def test_usage_on_both_sides_of_a_switch_is_found_on_its_invoices(sandbox: SandboxServer, metering: str) -> None:
    customer = make_paying_customer()
    use(customer, **USED)
    sandbox.advance("1 hour")
    change_plan(account=customer.account, plan=Plan.objects.get(code="pro_sonnet"), now=clock.now())
    use(customer, **USED)
    let_a_month_pass(sandbox, customer)

    assert reconciled().differences == []


def test_what_a_record_was_mispriced_by_is_given_back_to_the_cap(sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    mispriced(customer, sandbox)
    be_busy(customer)

    reconciled(repair=True)

    assert customer.account.spent_minor == sum(UsageRecord.objects.values_list("cost_minor", flat=True))


@pytest.fixture
def a_month(sandbox: SandboxServer) -> Customer:
    """A customer whose month of usage is invoiced, and old enough to be in the kept sums."""
    customer = make_paying_customer()
    use(customer, **USED)
    let_a_month_pass(sandbox, customer)
    let_it_settle(sandbox)
    UsageRecord.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    return customer


def test_clean_books_are_told_as_zero_and_close_with_their_period(a_month: Customer) -> None:
    said = StringIO()

    call_command("reconcile", stdout=said)

    assert "zero differences" in said.getvalue()
    assert [row.closed_at is not None for row in ReconciledUsage.objects.all()] == [True]


def test_what_is_closed_is_not_read_again_and_may_be_on_demand(
    a_month: Customer, django_assert_max_num_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    reconciled()
    UsageRecord.objects.update(output_tokens=1)

    with django_assert_max_num_queries(10):  # one row says how far the ledger was read
        assert reconciled().organizations == 0
    with pytest.raises(CommandError, match="differences remain"):
        call_command("reconcile", organization=str(a_month.organization.id), stdout=StringIO())


def test_a_record_that_is_posted_after_its_neighbours_is_not_skipped(a_month: Customer) -> None:
    slow = begin(a_month, now=clock.now())
    use(a_month, input_tokens=5)
    UsageRecord.objects.filter(posted_at__isnull=False).update(posted_at=timezone.now() - timedelta(hours=1))
    reconciled()

    settle(slow, now=clock.now(), input_tokens=7)
    bring_to_stripe()

    assert reconciled().differences == []


def test_usage_that_was_abandoned_and_settled_late_opens_its_period_again(a_month: Customer) -> None:
    now = clock.now()
    grant = begin(a_month, now=now)
    UsageRecord.objects.filter(id=grant.record.id).update(
        state="abandoned", settled_at=now, period_starts_at=a_month.account.period_starts_at
    )
    bring_to_stripe()
    UsageRecord.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    reconciled()

    settle(grant, now=now, input_tokens=7)
    bring_to_stripe()

    assert reconciled().differences == []
    assert sum(ReconciledUsage.objects.values_list("input_tokens", flat=True)) == USED["input_tokens"] + 7


@pytest.mark.parametrize("state", ["sending", "pending", "parked"])
def test_usage_of_which_stripe_has_not_told_is_no_difference(sandbox: SandboxServer, state: str) -> None:
    customer = make_paying_customer()
    use(customer, **USED)
    sandbox.advance("2 hours")
    MeterEvent.objects.update(state=state)

    report = reconciled(repair=True)

    assert report.differences == []
    assert "1,000,000 tokens are on their way to Stripe" in report.waiting[0]


def test_while_stripe_is_down_what_is_known_stays_known(sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    lost(customer, sandbox)
    let_it_settle(sandbox)
    reconciled()

    with sandbox.failing(effect="status", status=503):
        report = reconciled()

    assert "Stripe could not be asked" in report.waiting[0]
    assert Discrepancy.objects.get(resolved_at=None).kind == "missing"


def test_a_run_that_stops_is_continued_by_the_next(sandbox: SandboxServer) -> None:
    customers = [make_paying_customer() for _ in range(2)]
    for customer in customers:
        use(customer, **USED)

    runs = [reconcile(now=clock.now(), stop_after_s=0.000001).organizations for _ in range(3)]

    assert runs == [1, 1, 0]


@pytest.mark.postgres
@pytest.mark.usefixtures("committing_db")
def test_figures_are_of_one_moment(sandbox: SandboxServer) -> None:
    customer = make_paying_customer()
    use(customer, **USED)

    with one_moment():
        before = read_figures(organization_id=customer.organization.id, until=clock.now())
        with ThreadPoolExecutor(1) as pool:
            pool.submit(in_a_thread, lambda: be_busy(customer)).result(timeout=30)
        after = read_figures(organization_id=customer.organization.id, until=clock.now())

    assert before == after


def in_a_thread(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


@pytest.mark.parametrize("plans", [["pro_sonnet"], ["pro_sonnet", "pro_haiku"]], ids=["once", "there_and_back"])
def test_a_month_with_switches_and_usage_between_them_shows_no_difference(customer, sandbox, plans):
    """After a switch the month's line begins with the month, as the line of the switch's own invoice does."""
    use(customer, **USED)
    for code in plans:
        sandbox.advance("2 days")
        change_plan(account=customer.account, plan=Plan.objects.get(code=code), now=clock.now())
        use(customer, **USED)

    let_a_month_pass(sandbox, customer)

    assert reconcile(now=clock.now(), organization_id=customer.organization.id).differences == []
