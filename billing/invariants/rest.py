"""Work under way: of all this there is nothing once no request runs and everything has reached Stripe."""

from collections.abc import Iterator

from billing.invariants.breach import Breach
from billing.invariants.spending import account_named
from billing.metering.outbox import UNSENT
from billing.models import BillingAccount, KeyBudget, LateUsage, MeterEvent, ProjectBudget, UsageRecord

LATE_ON_ITS_WAY = [LateUsage.State.PENDING, LateUsage.State.SENDING]


def open_records() -> Iterator[Breach]:
    """Yield the open records."""
    for record in UsageRecord.objects.filter(state=UsageRecord.State.OPEN, posted_at__isnull=True).order_by("id"):
        yield Breach(
            row=f"usage record {record.request_id}", detail=f"It is open since {record.begun_at:%H:%M:%S} UTC."
        )


def holds() -> Iterator[Breach]:
    """Yield the budgets that hold something."""
    for account in BillingAccount.objects.select_related("organization").order_by("id").iterator(chunk_size=500):
        if account.held_minor:
            yield Breach(row=account_named(account), detail=f"It holds {account.held_minor} cents.")
    for table in (KeyBudget, ProjectBudget):
        for budget in table._default_manager.order_by("id").iterator(chunk_size=500):
            if budget.held_minor:
                yield Breach(row=f"budget {budget.pk}: {budget}", detail=f"It holds {budget.held_minor} cents.")


def unposted_records() -> Iterator[Breach]:
    """Yield the closed records that are in no total."""
    closed = UsageRecord.objects.filter(posted_at__isnull=True).exclude(state=UsageRecord.State.OPEN)
    for record in closed.order_by("id"):
        yield Breach(row=f"usage record {record.request_id}", detail=f"It is {record.state} and not posted.")


def unsent_usage() -> Iterator[Breach]:
    """Yield the meter events that Stripe does not have, and late usage that is on its way."""
    for event in MeterEvent.objects.filter(state__in=[*UNSENT, MeterEvent.State.PARKED]).order_by("id"):
        yield Breach(row=f"meter event {event.identifier}", detail=f"{event}. {event.last_error}")
    for late in LateUsage.objects.filter(state__in=LATE_ON_ITS_WAY).order_by("id"):
        yield Breach(row=f"late usage {late.identifier}", detail=f"{late}. {late.last_error}")


def changes() -> Iterator[Breach]:
    """Yield the accounts whose subscription is being changed."""
    for account in BillingAccount.objects.filter(change_begun_at__isnull=False).select_related("organization"):
        yield Breach(row=account_named(account), detail=f"Its change began at {account.change_begun_at}.")
