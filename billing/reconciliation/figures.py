"""The figures of one organization, all of one moment: requests and workers change none of them meanwhile."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Q, Sum, Value, When
from django.utils import timezone
from djstripe.models import Customer

from billing.metering import ledger_sums
from billing.metering.late_usage import unmetered_of
from billing.metering.ledger_sums import Amounts, SumKey, Sums
from billing.models import BillingAccount, DailyUsage, HourlyUsage, MeterEvent, PostedUsage
from billing.periods import hour_of
from billing.plans.measures import measures
from billing.plans.price_lists import price_list

MeterKey = tuple[str, datetime]
# Stripe's summaries are eventually consistent: events sent this recently may be missing from them.
VISIBLE_AFTER = timedelta(minutes=10)
LONGEST_PERIOD = timedelta(days=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSum:
    """Meter events of one meter, period, UTC hour and state, added up: tokens, or units of spend.

    `visible` tells whether Stripe's summaries must show them by now, `compared` whether they are before the moment up
    to which meters are compared.
    """

    event_name: str
    period_starts_at: datetime
    hour: datetime
    state: str
    compensates: bool
    visible: bool
    compared: bool
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The database's figures of an organization's periods that are not closed.

    `metered` is what the ledger says its meters must hold, `posted` what its meter events say. `customer_since` is when
    the organization's present customer at Stripe was made.
    """

    account: BillingAccount
    customer_since: datetime | None
    ledger: Sums
    daily: Sums
    hourly: Sums
    metered: dict[MeterKey, int]
    posted: dict[MeterKey, int]
    events: list[EventSum] = field(default_factory=list)

    @property
    def periods(self) -> list[datetime]:
        """The periods, oldest first."""
        return sorted({key.period_starts_at for key in self.ledger})


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all queries within see the database as it is now."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def read_figures(*, organization_id: int, until: datetime) -> Figures:
    """Read an organization's figures, inside `one_moment`. Meters are compared up to `until`."""
    ledger = ledger_sums.open_sums(organization_ids=[organization_id])
    of_its_periods: dict[str, Any] = {
        "organization_id": organization_id,
        "period_starts_at__in": {key.period_starts_at for key in ledger},
    }
    periods = sorted(of_its_periods["period_starts_at__in"])
    events = _event_sums(organization_id, periods=periods, until=until) if periods else []
    late = unmetered_of(**of_its_periods)
    account = BillingAccount.objects.select_related("plan").get(organization_id=organization_id)
    return Figures(
        account=account,
        customer_since=Customer.objects.filter(id=account.stripe_customer_id).values_list("created", flat=True).first(),
        ledger=ledger,
        daily=_totals(DailyUsage, of_its_periods),
        hourly=_totals(HourlyUsage, of_its_periods),
        metered=_metered(ledger, late=late),
        posted=_posted(events, periods=set(periods)),
        events=events,
    )


def _totals(table: type[PostedUsage], of_its_periods: dict[str, Any]) -> Sums:
    rows = table._default_manager.filter(**of_its_periods).order_by("id")
    sums = ledger_sums.add_up((_key(row), Amounts(row.usage, row.cost_minor)) for row in rows)
    return {key: amounts for key, amounts in sums.items() if amounts != Amounts()}


def _key(row: PostedUsage) -> SumKey:
    return SumKey(*(getattr(row, name) for name in ledger_sums.KEY))


def _metered(ledger: Sums, *, late: dict[MeterKey, int]) -> dict[MeterKey, int]:
    values: dict[MeterKey, int] = defaultdict(int)
    for key, amounts in ledger.items():
        prices = price_list(plan_id=key.plan_id, priced_at=key.priced_at)
        measured = measures(prices, model=key.model, usage=amounts.usage, cost_minor=amounts.cost_minor)
        for each in measured if not key.trial else ():
            values[(each.kind.event_name, key.period_starts_at)] += each.quantity
    for meter, unmetered in late.items():
        values[meter] -= unmetered
    return {meter: value for meter, value in values.items() if value}


def _event_sums(organization_id: int, *, periods: list[datetime], until: datetime) -> list[EventSum]:
    """Add up the events of the periods, and those of an earlier one in the hour in which the first begins."""
    first = periods[0]
    of_that_hour = Q(hour=hour_of(first), period_starts_at__gte=first - LONGEST_PERIOD, period_starts_at__lt=first)
    rows = (
        MeterEvent.objects.filter(Q(period_starts_at__in=periods) | of_that_hour, organization_id=organization_id)
        .annotate(visible=_is(sent_at__lt=timezone.now() - VISIBLE_AFTER), compared=_is(occurred_at__lt=until))
        .values("event_name", "period_starts_at", "hour", "state", "compensates", "visible", "compared")
        .annotate(total=Sum("value"))
        .order_by("event_name", "hour", "period_starts_at", "state", "compensates", "visible", "compared")
    )
    return [EventSum(**row) for row in rows]


def _is(**condition: Any) -> Case:
    return Case(When(**condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _posted(events: list[EventSum], *, periods: set[datetime]) -> dict[MeterKey, int]:
    values: dict[MeterKey, int] = defaultdict(int)
    for event in events:
        if not event.compensates and event.period_starts_at in periods:
            values[(event.event_name, event.period_starts_at)] += event.total
    return {meter: value for meter, value in values.items() if value}
