"""The audit: a sound ledger passes, and each invariant is broken on purpose once, found, and named with its row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.caps.caps import set_cap, set_key_cap
from billing.invariants.catalogue import INVARIANTS
from billing.ledger.abandonment import find_abandoned
from billing.ledger.entries import Grant, Settle
from billing.ledger.idempotency import Claim
from billing.metering import posting
from billing.models import (
    BillingAccount,
    DailyUsage,
    Discrepancy,
    HourlyUsage,
    IdempotencyKey,
    KeyBudget,
    MeterEvent,
    Plan,
    UsageRecord,
)
from billing.money import to_cents
from billing.tokens import TokenUsage
from tests.factories import NOON, Customer, begin, make_customer, make_subscriber, settle, void, write

pytestmark = pytest.mark.django_db

State = UsageRecord.State


@dataclass(frozen=True)
class Ledger:
    """A ledger in which all is right: a subscriber with a capped key, and a customer on the free trial."""

    payer: Customer
    trier: Customer
    running: Grant
    settled: UsageRecord


@pytest.fixture
def ledger() -> Ledger:
    payer, trier = make_subscriber(cap_minor=to_cents(Decimal(5))), make_customer()
    set_key_cap(
        organization_id=payer.organization.id, api_key_id=payer.api_key.id, cap_minor=to_cents(Decimal(2)), now=NOON
    )
    settled = begin(payer, claim=Claim(key_hash="a" * 64, fingerprint="b" * 64))
    write([Settle(grant=settled, usage=TokenUsage(input_tokens=90, output_tokens=500), answer=b"{}")], now=NOON)
    settle(begin(trier), input_tokens=50, output_tokens=10)
    void(begin(trier))
    abandon(begin(payer))
    posting.post_due()
    return Ledger(payer=payer, trier=trier, running=begin(payer), settled=settled.record)


def abandon(grant: Grant) -> None:
    UsageRecord.objects.filter(id=grant.record.id).update(deadline_at=timezone.now() - timedelta(seconds=1))
    assert find_abandoned(now=NOON) == 1


def told(*options: str) -> str:
    """Return what the command prints, whether or not it fails."""
    out = StringIO()
    try:
        call_command("audit", *options, stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


def records(ledger: Ledger, **changed: Any) -> str:
    UsageRecord.objects.filter(id=ledger.settled.id).update(**changed)
    return ledger.settled.request_id


def account(ledger: Ledger, **changed: Any) -> str:
    BillingAccount.objects.filter(organization=ledger.payer.organization).update(**changed)
    return f"({ledger.payer.organization})"


def trial(ledger: Ledger, **changed: Any) -> str:
    BillingAccount.objects.filter(organization=ledger.trier.organization).update(**changed)
    return f"({ledger.trier.organization})"


def events(ledger: Ledger, **changed: Any) -> str:
    event = MeterEvent.objects.filter(organization=ledger.payer.organization).latest("id")
    MeterEvent.objects.filter(id=event.id).update(**changed)
    return event.identifier


def running(ledger: Ledger, **changed: Any) -> str:
    UsageRecord.objects.filter(id=ledger.running.record.id).update(**changed)
    return ledger.running.record.request_id


def of_payer(ledger: Ledger, *broken: str) -> str:
    """Name the row as where figures are of a whole organization."""
    return f"organization {ledger.payer.organization.id},"


def days(ledger: Ledger, **changed: Any) -> str:
    DailyUsage.objects.filter(organization=ledger.payer.organization).update(**changed)
    return of_payer(ledger)


def keys(ledger: Ledger, **changed: Any) -> str:
    KeyBudget.objects.update(**changed)
    return f"of key {ledger.payer.api_key.id} "


def forgotten(ledger: Ledger) -> str:
    Discrepancy.objects.filter(kind=Discrepancy.Kind.ABANDONED).delete()
    return UsageRecord.objects.get(state=State.ABANDONED).request_id


def alone(ledger: Ledger) -> str:
    BillingAccount.objects.filter(organization=ledger.trier.organization).delete()
    return f"({ledger.trier.organization})"


def shrunk(ledger: Ledger) -> str:
    Plan.objects.filter(is_trial=True).update(trial_requests=0)
    return f"({ledger.trier.organization})"


def unhoured(ledger: Ledger) -> str:
    HourlyUsage.objects.filter(organization=ledger.payer.organization).delete()
    return of_payer(ledger)


def over(ledger: Ledger) -> str:
    """Lower a cap without a word in the log, as a fault would."""
    return account(ledger, cap_minor=Decimal("0.01"))


def unanswered(ledger: Ledger) -> str:
    IdempotencyKey.objects.update(answer=None)
    return ledger.settled.request_id


LONG_AGO = timezone.now() - timedelta(hours=2)
CENT = Decimal(1)
# Every invariant, a way to break it, and further ways that each must be found.
BROKEN: list[tuple[str, Callable[[Ledger], str]]] = [
    ("no-record-stays-open", lambda ledger: running(ledger, deadline_at=LONG_AGO)),
    ("closed-is-posted", lambda ledger: records(ledger, posted_at=None, deadline_at=LONG_AGO)),
    ("posted-is-closed", lambda ledger: records(ledger, state=State.OPEN)),
    ("posted-is-closed", lambda ledger: records(ledger, posted_as_abandoned_at=NOON)),
    ("abandoned-is-shown", forgotten),
    ("every-request-counts", lambda ledger: days(ledger, requests=7)),
    ("every-request-counts", lambda ledger: days(ledger, abandoned_requests=0)),
    ("answered-is-settled", unanswered),
    ("answered-is-settled", lambda ledger: records(ledger, state=State.VOID)),
    ("events-keep-their-bounds", lambda ledger: events(ledger, occurred_at=NOON + timedelta(hours=1))),
    ("events-keep-their-bounds", lambda ledger: events(ledger, period_starts_at=NOON + timedelta(minutes=1))),
    ("events-freeze-when-sent", lambda ledger: events(ledger, attempts=1)),
    ("events-freeze-when-sent", lambda ledger: events(ledger, state=MeterEvent.State.SENT)),
    ("events-are-sent", lambda ledger: events(ledger, next_attempt_at=LONG_AGO)),
    ("refusals-are-shown", lambda ledger: events(ledger, state=MeterEvent.State.PARKED)),
    ("changes-end", lambda ledger: account(ledger, change_begun_at=LONG_AGO)),
    ("holds-are-of-open-records", lambda ledger: account(ledger, held_minor=CENT)),
    ("holds-are-of-open-records", lambda ledger: keys(ledger, held_minor=CENT)),
    ("spending-is-of-records", lambda ledger: account(ledger, spent_minor=CENT)),
    ("spending-is-of-records", lambda ledger: keys(ledger, spent_minor=Decimal(0))),
    ("caps-are-kept", over),
    ("capped-keys-are-known", lambda ledger: account(ledger, has_key_caps=False)),
    ("holds-cover-costs", lambda ledger: records(ledger, hold_minor=Decimal("0.001"))),
    ("trials-count-requests", lambda ledger: trial(ledger, trial_used=2)),
    ("trials-are-kept", shrunk),
    ("trials-count-tokens", lambda ledger: trial(ledger, trial_tokens=61)),
    ("figures-agree", lambda ledger: of_payer(ledger, events(ledger, value=1))),
    ("figures-agree", lambda ledger: days(ledger, output_tokens=1)),
    ("figures-agree", lambda ledger: of_payer(ledger, records(ledger, output_tokens=499))),
    ("hours-add-up", unhoured),
    ("unbilled-costs-nothing", lambda ledger: records(ledger, state=State.VOID, output_tokens=0, input_tokens=0)),
    ("unbilled-costs-nothing", lambda ledger: records(ledger, state=State.VOID, cost_minor=Decimal(0))),
    ("organizations-have-accounts", alone),
    ("at-rest-nothing-is-open", running),
    ("at-rest-nothing-is-held", account),
    ("at-rest-all-is-posted", lambda ledger: records(ledger, posted_at=None)),
    ("at-rest-all-is-sent", events),
    ("at-rest-nothing-changes", lambda ledger: account(ledger, change_begun_at=timezone.now())),
]


def test_a_sound_ledger_passes(ledger: Ledger) -> None:
    assert "invariants hold." in told("--thorough")


@pytest.mark.parametrize(("name", "breaking"), BROKEN, ids=[name for name, _ in BROKEN])
def test_a_row_that_breaks_an_invariant_is_named(name: str, breaking: Callable[[Ledger], str], ledger: Ledger) -> None:
    row = breaking(ledger)

    found = told(name)

    assert f"BROKEN {name}: " in found
    assert row in found
    assert found.endswith(f"1 of 1 invariants are broken: {name}.")


def test_every_invariant_is_broken_here() -> None:
    assert {name for name, _ in BROKEN} == {each.name for each in INVARIANTS}


def test_a_cap_that_was_lowered_below_the_spending_breaks_nothing(ledger: Ledger) -> None:
    set_cap(organization_id=ledger.payer.organization.id, cap_minor=Decimal("0.01"))
    BillingAccount.objects.update(spending_starts_at=LONG_AGO)

    assert "invariants hold." in told("caps-are-kept")


def test_it_writes_nothing_and_makes_no_query_for_each_account(ledger: Ledger) -> None:
    for _ in range(3):
        make_subscriber()

    with CaptureQueriesContext(connection) as made:
        told("holds-are-of-open-records", "spending-is-of-records", "caps-are-kept", "trials-count-requests")

    statements = [query["sql"] for query in made.captured_queries]
    assert not [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(statements) < 25


def test_it_lists_its_invariants_with_their_promises() -> None:
    listed = told("--list")

    assert all(each.name in listed and each.promise in listed for each in INVARIANTS)
