"""Requests that await the writing thread: errors, retries, cancellations, and a database that is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import connection

from billing.ledger import group_commit, leases
from billing.ledger.entries import Grant, Settle, SpendingCapReached
from billing.ledger.writers import LedgerUnavailable, Written
from billing.ledger.writing_thread import Waiting
from billing.models import ProcessLease, UsageRecord
from billing.tokens import TokenUsage
from common import background
from tests.factories import Customer, make_begin, make_subscriber
from tests.flows.waiting import becomes

T = TypeVar("T")
USAGE = TokenUsage(input_tokens=1000)
pytestmark = pytest.mark.usefixtures("fresh_thread")


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run work on an event loop, and then wait for the tasks it spawned."""

    async def all_of_it() -> T:
        try:
            return await work()
        finally:
            await background.drain(timeout_s=30)

    return asyncio.run(all_of_it())


def settling(grant: Grant) -> Settle:
    return Settle(grant=grant, usage=USAGE, outcome="end_turn")


def state_of(request_id: str) -> str | None:
    return UsageRecord.objects.filter(request_id=request_id).values_list("state", flat=True).first()


def connect_directly() -> "psycopg.Connection[Any]":
    """Connect as this thread is connected."""
    connection.ensure_connection()
    own = connection.connection
    return psycopg.connect(own.info.dsn, password=own.info.password, autocommit=True)


def end_other_sessions(other: "psycopg.Connection[Any]", *, own_pid: int) -> None:
    """End every session of the product's threads; the test's own go on."""
    other.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid NOT IN (pg_backend_pid(), %s) AND backend_type = 'client backend'",
        [own_pid],
    )


@contextmanager
def account_locked(customer: Customer) -> Iterator[None]:
    """Hold the lock of a customer's account, over another connection to PostgreSQL itself."""
    account_id = customer.account.id
    with connect_directly() as other, other.transaction():
        other.execute("SELECT 1 FROM billing_billingaccount WHERE id = %s FOR UPDATE", [account_id])
        yield


def test_a_request_is_begun_and_settled() -> None:
    customer = make_subscriber()

    async def work() -> tuple[Grant, bool, bool]:
        grant = await group_commit.begin(make_begin(customer))
        return grant, await group_commit.end(settling(grant)), await group_commit.end(settling(grant))

    grant, closed, closed_again = run(work)

    assert (closed, closed_again) == (True, False)
    assert state_of(grant.request_id) == "settled"


def test_a_refusal_is_raised_to_its_own_request_alone() -> None:
    customers = [make_subscriber(), make_subscriber(cap_minor=0), make_subscriber()]

    async def work() -> list[Any]:
        begins = (group_commit.begin(make_begin(each)) for each in customers)
        return await asyncio.gather(*begins, return_exceptions=True)

    assert [type(outcome) for outcome in run(work)] == [Grant, SpendingCapReached, Grant]


def test_a_bad_entry_fails_alone() -> None:
    bad = make_begin(make_subscriber(), api_key_id=10**12)
    entries = [make_begin(make_subscriber()), bad, make_begin(make_subscriber())]

    async def work() -> list[Any]:
        return await asyncio.gather(*map(group_commit.begin, entries), return_exceptions=True)

    outcomes = run(work)

    assert [type(outcome) for outcome in outcomes] == [Grant, LedgerUnavailable, Grant]
    assert state_of(bad.request_id) is None


def test_an_entry_of_the_wrong_kind_does_not_end_the_thread() -> None:
    customer = make_subscriber()

    async def work() -> Grant:
        with pytest.raises(LedgerUnavailable):
            await group_commit.begin(make_begin(customer, input_tokens="many"))
        return await group_commit.begin(make_begin(customer))

    assert isinstance(run(work), Grant)


def test_a_request_that_is_cancelled_while_it_begins_leaves_nothing_held() -> None:
    customer = make_subscriber()
    entry = make_begin(customer)

    async def work() -> None:
        beginning = asyncio.ensure_future(group_commit.begin(entry))
        await asyncio.sleep(0)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning

    run(work)

    assert state_of(entry.request_id) in {None, "void"}
    assert customer.account.held_minor == 0


def test_an_outcome_that_comes_while_its_request_gives_up_is_kept() -> None:
    entry = make_begin(make_subscriber())

    async def work() -> Written:
        waiting = Waiting(entry, asyncio.get_running_loop().create_future())
        waiting.outcome.cancel()
        waiting.answer(True)
        waiting.give_up()
        return await asyncio.wait_for(waiting.outcome, timeout=5)

    assert run(work) is True


def test_an_ending_is_written_though_its_request_is_cancelled() -> None:
    customer = make_subscriber()

    async def work() -> Grant:
        grant = await group_commit.begin(make_begin(customer))
        ending = asyncio.ensure_future(group_commit.end(settling(grant)))
        await asyncio.sleep(0)
        ending.cancel()
        return grant

    grant = run(work)

    becomes(lambda: state_of(grant.request_id), "settled", within_s=5)


def test_stopping_commits_what_waits() -> None:
    customer = make_subscriber()

    async def work() -> list[Any]:
        begins = [asyncio.ensure_future(group_commit.begin(make_begin(customer))) for _ in range(300)]
        await asyncio.sleep(0)
        await asyncio.to_thread(group_commit.stop)
        return await asyncio.gather(*begins)

    assert len(run(work)) == 300
    assert UsageRecord.objects.filter(state="open").count() == 300


def test_the_process_renews_its_lease_with_its_first_record() -> None:
    customer = make_subscriber()

    grant = run(lambda: group_commit.begin(make_begin(customer)))

    assert grant.record.process_id == ProcessLease.objects.get().process_id == leases.process_id()


@pytest.mark.postgres
def test_a_begin_gives_up_behind_somebody_elses_lock_and_leaves_nothing_held() -> None:
    customer = make_subscriber()
    entry = make_begin(customer)

    async def work(unlock: Callable[[], object]) -> float:
        began_s = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            await group_commit.begin(entry)
        unlock()
        return time.monotonic() - began_s

    with ExitStack() as stack:
        stack.enter_context(account_locked(customer))
        took_s = run(lambda: work(stack.close))

    assert took_s < 2
    assert state_of(entry.request_id) in {None, "void"}
    assert customer.account.held_minor == 0


@pytest.mark.postgres
def test_a_dead_connection_is_replaced_before_anybody_notices() -> None:
    customer = make_subscriber()

    with connect_directly() as other:
        own_pid = connection.connection.info.backend_pid

        async def work() -> Grant:
            grant = await group_commit.begin(make_begin(customer))
            end_other_sessions(other, own_pid=own_pid)
            assert await group_commit.end(settling(grant))
            end_other_sessions(other, own_pid=own_pid)
            return await group_commit.begin(make_begin(customer))

        assert isinstance(run(work), Grant)
