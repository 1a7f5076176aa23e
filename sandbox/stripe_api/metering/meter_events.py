"""Meter events, version 1, their adjustments and summaries (https://docs.stripe.com/api/billing/meter-event)."""

from __future__ import annotations

from sandbox.clock import DAY_S, HOUR_S
from sandbox.store import Json
from sandbox.stripe_api.metering import meter_recording, usage
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest, missing
from sandbox.stripe_api.protocol.lists import sublist
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

_WINDOWS = {"hour": HOUR_S, "day": DAY_S}


@endpoint(
    "POST", "/v1/billing/meter_events", "billing.MeterEventCreateParams", "event_name identifier payload timestamp"
)
def create(world: World, params: Params) -> Json:
    """Record usage. Raises InvalidRequest for an unknown meter or customer, a value that is no whole number of at most
    15 digits, a wrong time, or a known identifier.
    """
    recorded = meter_recording.record(
        world,
        event_name=params["event_name"],
        payload=params["payload"],
        timestamp=params.get("timestamp"),
        identifier=params.get("identifier"),
    )
    return {
        "object": "billing.meter_event",
        "created": world.now,
        "event_name": params["event_name"],
        "identifier": recorded.identifier,
        "livemode": False,
        "payload": params["payload"],
        "timestamp": recorded.timestamp,
    }


@endpoint(
    "POST",
    "/v1/billing/meter_event_adjustments",
    "billing.MeterEventAdjustmentCreateParams",
    "cancel.identifier event_name type",
)
def adjust(world: World, params: Params) -> Json:
    """Take an event back within 24 hours of its receipt. Finalized invoices stay as they are
    (https://docs.stripe.com/api/billing/meter-event-adjustment).
    """
    identifier = params.get("cancel", {}).get("identifier")
    if not identifier:
        raise missing("cancel[identifier]")
    meter_recording.cancel(world, event_name=params["event_name"], identifier=identifier)
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "event_name": params["event_name"],
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


@endpoint(
    "GET",
    "/v1/billing/meters/{meter}/event_summaries",
    "billing.MeterListEventSummariesParams",
    f"{LISTING} customer end_time start_time value_grouping_window",
)
def list_summaries(world: World, params: Params, meter: str) -> Json:
    """List one customer's usage between two minutes, hours or days. Windows without events are left out."""
    doc = world.get("billing.meter", meter)
    world.get("customer", params["customer"], param="customer")
    window = params.get("value_grouping_window")
    start, end = params["start_time"], params["end_time"]
    _check_aligned(start, end, window)
    span = usage.Span(meter=doc, customer=params["customer"], starts_at=start, ends_at=end)
    summaries = [
        {
            "id": f"mtrusg_{meter[-8:]}_{params['customer'][4:]}_{first}_{last}",
            "object": "billing.meter_event_summary",
            "aggregated_value": float(amount),
            "end_time": last,
            "livemode": False,
            "meter": meter,
            "start_time": first,
        }
        for first, last, amount in usage.summaries(world, span, window_s=_WINDOWS.get(window or ""))
    ]
    return sublist(summaries, url=f"/v1/billing/meters/{meter}/event_summaries", params=params)


def _check_aligned(start: int, end: int, window: str | None) -> None:
    unit, name = (_WINDOWS[window], window) if window else (60, "minute")
    for param, moment in (("start_time", start), ("end_time", end)):
        if moment % unit:
            raise InvalidRequest(f"{param} must be aligned with {name} boundaries in UTC.", param=param)
    if end <= start:
        raise InvalidRequest("end_time must be after start_time.", param="end_time")
