"""The one-statement way writes the same rows as the ledger under locks, or leaves an entry to it."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.forms.models import model_to_dict

from billing.ledger import compare_and_add, locked
from billing.ledger.entries import Entry, Grant, Outcome, Settle, Void
from billing.models import BillingAccount, Plan, UsageRecord
from billing.money import EXACT
from billing.periods import period_at
from billing.tokens import TokenUsage
from tests.factories import NOON, Customer, begin, make_begin, make_customer, make_subscriber

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

LATER = NOON + timedelta(minutes=1)
USAGE = TokenUsage(
    input_tokens=11, cache_write_5m_tokens=12, cache_write_1h_tokens=13, cache_read_tokens=14, output_tokens=15
)


def written(*entries: Entry, now: Any = LATER) -> list[Outcome | None]:
    return compare_and_add.commit(entries, now=now)


def change(customer: Customer, **fields: Any) -> None:
    BillingAccount.objects.filter(organization=customer.organization).update(**fields)


def known(customer: Customer) -> Customer:
    """Have the process know the account's terms, as it does after any request."""
    locked.commit([Void(grant=begin(customer), outcome="done")], now=NOON)
    return customer


def make_trial_of_noon() -> Customer:
    """Make a customer on the free trial whose account began at noon, to the microsecond."""
    customer = make_customer()
    month = period_at(anchor=NOON, instant=NOON)
    change(
        customer,
        anchor_at=NOON,
        priced_at=NOON,
        period_starts_at=month.starts_at,
        period_ends_at=month.ends_at,
        spending_starts_at=NOON,
    )
    return customer


def in_the_database(customer: Customer) -> dict[str, Any]:
    """Return all columns that a request changes, without ids and instants of its own."""
    own = {"id", "request_id", "organization", "api_key", "deadline_at", "stripe_customer_id", "stripe_subscription_id"}
    account, record = customer.account, UsageRecord.objects.filter(organization=customer.organization).latest("id")
    return {
        **{f"account {name}": value for name, value in model_to_dict(account).items() if name not in own},
        "spent": account.spent_minor,
        "held": account.held_minor,
        **{f.attname: getattr(record, f.attname) for f in record._meta.concrete_fields if f.name not in own}
        | {"organization_id": None, "api_key_id": None},
    }


ENDINGS: dict[str, Callable[[Grant], Entry]] = {
    "settled": lambda grant: Settle(
        grant=grant,
        usage=USAGE,
        server_tool_use={"web_search_requests": 2},
        outcome="end_turn",
        upstream_request_id="req_of_claude",
        estimated=True,
    ),
    "void": lambda grant: Void(grant=grant, outcome="overloaded", upstream_request_id="req_of_claude"),
    "abandoned": lambda grant: Void(grant=grant, outcome="broke off", may_have_served=True),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("make", [make_trial_of_noon, make_subscriber])
def test_it_writes_what_the_ledger_writes(make, ending):
    one, other = known(make()), known(make())

    (by_the_ledger,) = locked.commit([make_begin(one, streamed=True)], now=LATER)
    (at_once,) = written(make_begin(other, streamed=True))

    assert in_the_database(other) == in_the_database(one)
    assert isinstance(at_once, Grant)
    assert isinstance(by_the_ledger, Grant)
    assert at_once.trial_requests_remaining == by_the_ledger.trial_requests_remaining
    assert at_once.max_tokens == by_the_ledger.max_tokens
    assert locked.commit([ending(by_the_ledger)], now=LATER) == written(ending(at_once)) == [True]
    assert in_the_database(other) == in_the_database(one)


def test_one_statement_serves_many_accounts_and_many_requests_of_each():
    trial, subscriber = known(make_customer()), known(make_subscriber())
    before = [begin(subscriber) for _ in range(3)]

    *grants, first, second = written(
        *(make_begin(trial) for _ in range(3)), *(ENDINGS["settled"](grant) for grant in before[:2])
    )

    assert [grant.trial_requests_remaining for grant in grants] == [49, 48, 47]
    assert (first, second) == (True, True)
    assert trial.account.trial_used == 3
    assert subscriber.account.held_minor == before[2].record.hold_minor
    assert UsageRecord.objects.filter(state="settled").count() == 2


CHANGED_TERMS: dict[str, Callable[[], dict[str, Any]]] = {
    "plan": lambda: {"plan": Plan.objects.get(code="pro_sonnet")},
    "prices": lambda: {"priced_at": NOON - timedelta(days=1)},
    "status": lambda: {"status": BillingAccount.Status.SUSPENDED},
    "period": lambda: {"period_starts_at": NOON + timedelta(seconds=1)},
    "caps of keys": lambda: {"has_key_caps": True},
    "a cap without room": lambda: {"cap_minor": Decimal("0.001")},
}


@pytest.mark.parametrize("terms", CHANGED_TERMS.values(), ids=CHANGED_TERMS)
def test_an_account_that_changed_is_left_and_its_neighbour_is_served(terms):
    changed, neighbour = known(make_subscriber()), known(make_subscriber())
    change(changed, **terms())

    left, served = written(make_begin(changed), make_begin(neighbour))

    assert left is None
    assert isinstance(served, Grant)
    assert changed.account.held_minor == 0
    assert not UsageRecord.objects.filter(organization=changed.organization, state="open").exists()


def test_an_ending_needs_no_room_under_the_cap():
    customer = known(make_subscriber())
    grant = begin(customer)
    change(customer, cap_minor=Decimal(0))

    assert written(ENDINGS["settled"](grant)) == [True]


def test_what_would_pass_the_cap_or_the_trial_together_is_left():
    trial, capped = known(make_customer()), known(make_subscriber())
    change(trial, trial_used=48)
    change(capped, cap_minor=3 * begin(capped).record.hold_minor)

    assert written(*(make_begin(trial) for _ in range(3))) == [None] * 3
    assert written(*(make_begin(capped) for _ in range(3))) == [None] * 3
    assert trial.account.trial_used == 48


def test_an_account_nobody_knows_yet_is_left_and_then_known():
    customer = make_subscriber()

    assert written(make_begin(customer)) == [None]
    begin(customer)
    assert written(make_begin(customer)) != [None]


def test_the_first_request_of_a_period_is_left():
    customer = known(make_subscriber())

    assert written(make_begin(customer), now=customer.account.period_ends_at) == [None]


def test_a_record_that_was_closed_meanwhile_is_left_and_counts_nothing():
    customer = known(make_subscriber())
    grant, other = begin(customer), begin(customer)
    locked.commit([Void(grant=grant, outcome="abandoned")], now=NOON)

    assert written(ENDINGS["settled"](grant), ENDINGS["settled"](other)) == [None, None]
    assert customer.account.held_minor == other.record.hold_minor
    assert customer.account.spent_minor == 0


def test_processes_that_write_to_the_same_accounts_lose_nothing_and_do_not_deadlock(committing_db):
    customers = [known(make_subscriber()) for _ in range(6)]

    def work(seed: int) -> int:
        order, at_once = random.Random(seed), 0
        for _ in range(25):
            some = order.sample(customers, 5)
            ways = order.sample([compare_and_add.commit, locked.commit], 2)
            begun = both(ways, [make_begin(each) for each in some])
            at_once += sum(both(ways, [ENDINGS["settled"](grant) for grant in begun]))
        connection.close()
        return at_once

    with ThreadPoolExecutor(4) as pool:
        closed = sum(pool.map(work, range(4)))

    assert closed == 4 * 25 * 5
    for customer in customers:
        records = UsageRecord.objects.filter(organization=customer.organization, state="settled")
        assert customer.account.held_minor == 0
        assert customer.account.spent_minor == reduce(EXACT.add, records.values_list("cost_minor", flat=True))


def both(ways: list[Callable[..., Any]], entries: list[Entry]) -> list[Any]:
    """Write entries in one statement, and the rest under locks."""
    outcomes = ways[0](entries, now=LATER)
    left = [entry for entry, outcome in zip(entries, outcomes, strict=True) if outcome is None]
    rest = iter(locked.commit(left, now=LATER))
    return [next(rest) if outcome is None else outcome for outcome in outcomes]


def test_a_statement_that_the_server_has_forgotten_is_prepared_again(committing_db):
    customer = known(make_subscriber())
    assert written(make_begin(customer)) != [None]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as a pooler does between its clients

    with pytest.raises(ProgrammingError):  # which the writing thread leaves to the ledger
        written(make_begin(customer))

    assert isinstance(written(make_begin(customer))[0], Grant)


def test_a_planned_end_is_left_to_the_lock():
    customer = make_subscriber()
    change(customer, cancel_at=LATER)
    known(customer)

    before, after = (
        written(make_begin(customer), now=LATER - timedelta(seconds=1)),
        written(make_begin(customer), now=LATER),
    )

    assert isinstance(before[0], Grant)
    assert after == [None]


def test_a_planned_end_that_is_not_known_is_left_to_the_lock():
    customer = known(make_subscriber())
    change(customer, cancel_at=LATER)

    assert written(make_begin(customer), now=LATER) == [None]
