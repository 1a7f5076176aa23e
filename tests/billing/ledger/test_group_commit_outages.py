"""The writing thread while the database is away: refusals, waits, and nothing lost."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.db import connection

from billing.ledger import group_commit
from billing.ledger.entries import Begin, Grant, Void
from billing.ledger.writers import LedgerUnavailable
from billing.models import BillingAccount, UsageRecord
from billing.tokens import TokenUsage
from common import database
from common.outage import is_away, until_back
from tests.billing.ledger.test_group_commit import account_locked, run, settling, state_of
from tests.factories import make_begin, make_subscriber
from tests.flows.waiting import becomes
from tests.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = pytest.mark.usefixtures("fresh_thread")


@pytest.fixture(scope="session")
def proxy_of_session(django_db_setup: None) -> Iterator[TcpProxy]:
    """A proxy that threads which outlive a test, and this module, may keep using."""
    settings = connection.settings_dict
    with tcp_proxy(host=settings["HOST"], port=int(settings["PORT"])) as proxy:
        yield proxy


@pytest.fixture
def proxy(proxy_of_session: TcpProxy) -> Iterator[TcpProxy]:
    """A proxy between PostgreSQL and the threads that the product starts during the test."""
    settings = connection.settings_dict
    direct = {name: settings[name] for name in ("HOST", "PORT")}
    settings.update(HOST="127.0.0.1", PORT=proxy_of_session.port)
    try:
        yield proxy_of_session
    finally:
        proxy_of_session.come_back()
        settings.update(direct)
        becomes(is_away, False, within_s=10)
        group_commit.stop()
        asyncio.run(database.close_connections())


@pytest.mark.postgres
@pytest.mark.parametrize("fault", ["refuse", "hang"])
def test_while_the_database_is_away_a_begin_is_refused_within_2_s_and_soon_after_its_return_succeeds(
    proxy: TcpProxy, fault: str
) -> None:
    customer = make_subscriber()

    async def refused_after_s() -> float:
        began_s = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            await group_commit.begin(make_begin(customer))
        return time.monotonic() - began_s

    async def work() -> tuple[list[float], float]:
        await group_commit.begin(make_begin(customer))
        getattr(proxy, fault)()
        times_s = [await refused_after_s() for _ in range(3)]
        await asyncio.sleep(4)
        times_s += await asyncio.gather(*(refused_after_s() for _ in range(50)))
        proxy.come_back()
        began_s = time.monotonic()
        while True:
            try:
                await group_commit.begin(make_begin(customer))
                return times_s, time.monotonic() - began_s
            except LedgerUnavailable:
                await asyncio.sleep(0.05)

    times_s, back_after_s = run(work)

    assert max(times_s) < 2
    assert back_after_s < 3
    assert UsageRecord.objects.filter(state="open").count() == 2


@pytest.mark.postgres
@pytest.mark.parametrize("fault", ["refuse", "hang"])
def test_an_ending_waits_for_the_database_and_commits_once_it_is_back(proxy: TcpProxy, fault: str) -> None:
    customer = make_subscriber()

    async def work() -> Grant:
        grant = await group_commit.begin(make_begin(customer))
        getattr(proxy, fault)()
        ending = asyncio.ensure_future(group_commit.end(settling(grant)))
        await asyncio.sleep(4)
        assert not ending.done()
        proxy.come_back()
        async with asyncio.timeout(3):
            await ending
        return grant

    grant = run(work)

    assert state_of(grant.request_id) == "settled"
    assert (str(customer.account.spent_minor.normalize()), customer.account.held_minor) == ("0.13", 0)


@pytest.mark.postgres
def test_an_ending_that_the_database_never_takes_is_an_error_and_counted(
    proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "ENDING_RETRY_S", 2.0)
    customer = make_subscriber()

    async def work() -> Grant:
        grant = await group_commit.begin(make_begin(customer))
        proxy.refuse()
        with pytest.raises(group_commit.NotSettled):
            await group_commit.end(settling(grant))
        proxy.come_back()
        return grant

    grant = run(work)

    record = UsageRecord.objects.get(request_id=grant.request_id)
    assert (record.state, record.cost_minor, record.usage) == ("abandoned", 0, TokenUsage())
    assert (customer.account.spent_minor, customer.account.held_minor) == (0, 0)


@pytest.mark.postgres
def test_a_begin_that_was_cut_off_after_it_was_sent_is_given_back(proxy: TcpProxy) -> None:
    """The server waits for a lock with the statement, commits it after the client gave up, and the hold is returned."""
    customer = make_subscriber()
    entry = make_begin(customer)

    async def work(unlock: Callable[[], object]) -> None:
        beginning = asyncio.ensure_future(group_commit.begin(entry))
        await asyncio.sleep(0.3)
        proxy.hang()
        with pytest.raises(LedgerUnavailable):
            await beginning
        unlock()
        await asyncio.sleep(0.5)
        proxy.come_back()
        await until_back()

    async def know_the_account() -> None:
        await group_commit.end(Void(grant=await group_commit.begin(make_begin(customer)), outcome="done"))

    run(know_the_account)
    with ExitStack() as stack:
        stack.enter_context(account_locked(customer))
        run(lambda: work(stack.close))

    assert state_of(entry.request_id) == "void"
    assert customer.account.held_minor == 0


@pytest.mark.postgres
def test_endings_that_are_tried_again_do_not_hold_up_begins(proxy: TcpProxy) -> None:
    customers = [make_subscriber() for _ in range(10)]

    async def work() -> float:
        begins: list[Begin] = [make_begin(each) for each in customers for _ in range(30)]
        grants = await asyncio.gather(*map(group_commit.begin, begins))
        proxy.drop()
        proxy.hang()
        endings = asyncio.gather(*(group_commit.end(settling(grant)) for grant in grants))
        await asyncio.sleep(4)
        proxy.come_back()
        await until_back()
        began_s = time.monotonic()
        await group_commit.begin(make_begin(customers[0]))
        took_s = time.monotonic() - began_s
        await endings
        return took_s

    assert run(work) < 1.5
    assert UsageRecord.objects.filter(state="settled").count() == 300
    assert {str(each.normalize()) for each in BillingAccount.objects.values_list("spent_minor", flat=True)} == {"3.9"}
