"""The part of `bench.metering` that runs inside rgent: customers, calls at a steady rate, and events that wait.

`python -m bench.metered customers FILE` makes a customer of each Stripe customer id in the file, `calls NUMBER SECONDS`
has that many of them call once each, spread over the time, and `events NUMBER` lets meter events wait to be sent.
"""

import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from billing.ledger.entries import Entry

CAP_MINOR = 1_000_000_000
# The hours past, each with an event of its own of every customer. They lie within the open period.
HOURS = 40


def make_customers(stripe_ids: list[str]) -> None:
    """Publish the plans, and make a customer on Pro Haiku of each id, whose period began two days ago."""
    from django.db import transaction

    from accounts.api_keys import create_api_key
    from accounts.models import User
    from accounts.organizations import create_organization
    from billing.models import BillingAccount, Plan
    from billing.periods import period_at
    from billing.plans.publishing import publish_plans
    from billing.plans.versions import offered_version

    publish_plans()
    plan = Plan.objects.get(code="pro_haiku")
    version = offered_version(plan=plan)
    assert version is not None
    anchor = datetime.now(UTC) - timedelta(days=2)
    period = period_at(anchor=anchor, instant=datetime.now(UTC))
    with transaction.atomic():
        owner = User.objects.create_user("owner@bench.example", None)
        for place, stripe_id in enumerate(stripe_ids):
            organization = create_organization(owner=owner, name=f"Bench {place}")
            create_api_key(organization=organization, name="Bench")
            BillingAccount.objects.filter(organization=organization).update(
                plan=plan,
                status=BillingAccount.Status.ACTIVE,
                priced_at=version.priced_at,
                anchor_at=anchor,
                period_starts_at=period.starts_at,
                period_ends_at=period.ends_at,
                spending_starts_at=period.starts_at,
                cap_minor=CAP_MINOR,
                stripe_customer_id=stripe_id,
            )


def call(*, number: int, for_s: float) -> None:
    """Have customers call, one after another, and begin again with the first where there are fewer than `number`."""
    from accounts.models import ApiKey
    from billing.ledger.entries import Begin, Grant, Settle
    from billing.tokens import TokenUsage

    keys = list(ApiKey.objects.order_by("id").values_list("id", "organization_id"))
    began = time.monotonic()
    for place in range(number):
        time.sleep(max(began + place * for_s / number - time.monotonic(), 0))
        key_id, organization_id = keys[place % len(keys)]
        begin = Begin(
            request_id=f"req_{uuid.uuid4().hex}"[:28],
            organization_id=organization_id,
            api_key_id=key_id,
            model="",
            input_tokens=100,
            max_tokens=1000,
        )
        grant = _write(begin)
        if not isinstance(grant, Grant):
            raise SystemExit(f"a call was refused: {grant}")
        _write(Settle(grant=grant, usage=TokenUsage(input_tokens=100, output_tokens=50)))


def _write(entry: "Entry") -> Any:
    """Write one entry of the ledger as the writing thread does."""
    from billing.ledger import compare_and_add, locked

    now = datetime.now(UTC)
    (outcome,) = compare_and_add.commit([entry], now=now)
    return outcome if outcome is not None else locked.commit([entry], now=now)[0]


def let_events_wait(*, number: int) -> None:
    """Write meter events of all customers, of the hours past, as an outage of Stripe leaves them."""
    from django.utils import timezone

    from billing.models import BillingAccount, MeterEvent
    from billing.periods import hour_of
    from billing.plans.price_lists import meter_event_name
    from billing.tokens import TokenClass

    name = meter_event_name(model="claude-haiku-5-5", token_class=TokenClass.INPUT)
    accounts = list(BillingAccount.objects.order_by("id").values_list("organization_id", "period_starts_at"))
    now, events = timezone.now(), []
    for place in range(number):
        organization_id, period_starts_at = accounts[place % len(accounts)]
        at = now - timedelta(hours=1 + place // len(accounts) % HOURS)
        events.append(
            MeterEvent(
                organization_id=organization_id,
                event_name=name,
                value=100,
                occurred_at=at,
                hour=hour_of(at),
                period_starts_at=period_starts_at,
                identifier=f"rgent-{uuid.uuid4().hex}",
                next_attempt_at=now,
            )
        )
    MeterEvent.objects.bulk_create(events, batch_size=2000)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "customers":
        make_customers(Path(sys.argv[2]).read_text().split())
    elif sys.argv[1] == "calls":
        call(number=int(sys.argv[2]), for_s=float(sys.argv[3]))
    else:
        let_events_wait(number=int(sys.argv[2]))
