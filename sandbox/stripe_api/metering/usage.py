"""A customer's usage: meter events summed over half-open spans of time `[starts_at, ends_at)`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.store import Json, Store
from sandbox.stripe_api.protocol.world import World

# The sandbox's setting for how many seconds summaries are behind.
SUMMARY_LAG = "summary_lag_s"


@dataclass(frozen=True)
class Span:
    """One customer, one meter, and the time `[starts_at, ends_at)`."""

    meter: Json
    customer: str
    starts_at: int
    ends_at: int


def total(
    world: World, *, meter: Json, customer: str, starts_at: int, ends_at: int, reported_after: int = 0
) -> Decimal:
    """Return the usage in the span, counting only events after the one numbered `reported_after`.

    A negative sum is 0 (https://docs.stripe.com/api/billing/meter-event, "negative values").
    """
    span = Span(meter=meter, customer=customer, starts_at=starts_at, ends_at=ends_at)
    received_by = _received_by(world) if world.lags else None
    return max(Decimal(0), _aggregate(world, span, reported_after=reported_after, received_by=received_by))


@dataclass(frozen=True)
class Held:
    """One customer's events on one meter: the sum and the number of those that count, of all time."""

    meter: str
    event_name: str
    customer: str
    value: int
    events: int


def held(store: Store, *, customer: str | None = None) -> list[Held]:
    """Return the events every meter holds, by meter and customer: of all customers, or of one."""
    rows = store.db.execute(
        "SELECT meter, customer, sum(value), count(*) FROM meter_events "
        "WHERE cancelled_at IS NULL AND (?1 IS NULL OR customer = ?1) "
        "GROUP BY meter, customer ORDER BY meter, customer",
        (customer,),
    )
    names = {meter["id"]: meter["event_name"] for meter in store.find("billing.meter")}
    return [Held(meter, names.get(meter, meter), *rest) for meter, *rest in rows]


def newest_event(world: World) -> int:
    """Return the number of the last meter event, for `reported_after`; 0 where there is none."""
    (number,) = world.store.db.execute("SELECT coalesce(max(seq), 0) FROM meter_events").fetchone()
    return int(number)


def summaries(world: World, span: Span, *, window_s: int | None) -> list[tuple[int, int, Decimal]]:
    """Return `(start, end, usage)` for each window with events, newest first; without `window_s`, one for the whole
    span.

    They lag as Stripe's may: events of the last `SUMMARY_LAG` seconds are not counted yet.
    """
    received_by = _received_by(world)
    if window_s is None:
        return [(span.starts_at, span.ends_at, _aggregate(world, span, received_by=received_by))]
    rows = world.store.db.execute(
        f"SELECT DISTINCT timestamp / ? FROM meter_events WHERE {_IN_SPAN} AND received_at <= ? ORDER BY 1 DESC",
        (window_s, *_values(span), received_by),
    )
    windows = [replace(span, starts_at=row[0] * window_s, ends_at=(row[0] + 1) * window_s) for row in rows.fetchall()]
    return [(part.starts_at, part.ends_at, _aggregate(world, part, received_by=received_by)) for part in windows]


_IN_SPAN = "meter = ? AND customer = ? AND timestamp >= ? AND timestamp < ? AND cancelled_at IS NULL"


def _received_by(world: World) -> int:
    return world.now - int(world.store.setting(SUMMARY_LAG) or 0)


def _values(span: Span) -> tuple[str, str, int, int]:
    return span.meter["id"], span.customer, span.starts_at, span.ends_at


def _aggregate(world: World, span: Span, *, reported_after: int = 0, received_by: int | None = None) -> Decimal:
    """Sum or count the events of the span. Values are whole numbers, so SQLite's integer sum is exact up to 2**63."""
    counts = span.meter["default_aggregation"]["formula"] == "count"
    formula = "count(*)" if counts else "coalesce(sum(value), 0)"
    (amount,) = world.store.db.execute(
        f"SELECT {formula} FROM meter_events WHERE {_IN_SPAN} AND seq > ? AND (?6 IS NULL OR received_at <= ?6)",
        (*_values(span), reported_after, received_by),
    ).fetchone()
    return Decimal(amount)
