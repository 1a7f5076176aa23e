"""The one statement where it waits for a row: it compares and adds as things are after the wait."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from billing.ledger.entries import Entry, Grant, Outcome
from billing.models import BillingAccount, UsageRecord
from tests.billing.ledger.test_compare_and_add import ENDINGS, change, known, written
from tests.factories import NOON, Customer, begin, make_begin, make_subscriber
from tests.flows.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def meanwhile(customer: Customer, happens: Callable[[], Any], *entries: Entry) -> list[Outcome | None]:
    """Return the outcomes of entries that wait for the account's lock while `happens` is done under it."""
    holds, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            BillingAccount.objects.select_for_update().get(organization=customer.organization)
            happens()
            holds.set()
            go_on.wait(30)
        connection.close()

    def write() -> list[Outcome | None]:
        outcomes = written(*entries)
        connection.close()
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        holder = pool.submit(hold)
        holds.wait(30)
        writer = pool.submit(write)
        until(somebody_waits_for_a_lock, within_s=20, why="the statement does not wait for the lock")
        go_on.set()
        holder.result()
        return writer.result()


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND query LIKE '%%json_to_recordset%%' AND pid <> pg_backend_pid())"
        )
        return bool(cursor.fetchone()[0])


def test_terms_are_compared_as_they_are_after_the_wait(committing_db):
    customer = known(make_subscriber())

    outcomes = meanwhile(customer, lambda: change(customer, status="suspended"), make_begin(customer))

    assert outcomes == [None]
    assert customer.account.held_minor == 0


def test_room_under_the_cap_is_what_is_left_after_the_wait(committing_db):
    customer = known(make_subscriber(cap_minor=Decimal(100)))

    outcomes = meanwhile(customer, lambda: change(customer, spent_minor=Decimal("99.99")), make_begin(customer))

    assert outcomes == [None]
    assert customer.account.held_minor == 0


def test_amounts_are_added_to_what_is_there_after_the_wait(committing_db):
    customer = known(make_subscriber())

    (grant,) = meanwhile(customer, lambda: change(customer, held_minor=Decimal(7)), make_begin(customer))

    assert isinstance(grant, Grant)
    assert customer.account.held_minor == 7 + grant.record.hold_minor


def test_a_record_that_is_closed_during_the_wait_is_not_closed_again(committing_db):
    customer = known(make_subscriber())
    grant = begin(customer)
    record = UsageRecord.objects.filter(id=grant.record.id)

    outcomes = meanwhile(
        customer,
        lambda: record.update(state="abandoned", settled_at=NOON, period_starts_at=NOON),
        ENDINGS["settled"](grant),
    )

    assert outcomes == [None]
    assert record.get().state == "abandoned"
    assert customer.account.spent_minor == 0
