"""Errors of meter events that are taken in first and checked afterwards. They are gathered for a few seconds and
reported as thin events (https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage#handle-errors).
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.events import thin_events
from sandbox.stripe_api.protocol.errors import StripeError
from sandbox.stripe_api.protocol.iso_time import iso
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

REPORT = "meter.report_errors"
# Stripe's window is not published; a short one lets a person see the report come.
WINDOW_S = 5
MAX_SAMPLES = 5
_KIND = "_meter_errors"
_NO_METER = "no_meter"


def note(world: World, *, event_name: str, identifier: str | None, error: StripeError) -> None:
    """Keep one refused event for the next report of its meter, or for the report of events without a meter."""
    meters = world.find("billing.meter", event_name=event_name)
    subject = f"errors_{meters[0]['id'] if meters else _NO_METER}"
    window = world.store.get(_KIND, subject)
    if window is None:
        window = {"id": subject, "object": _KIND, "start": world.now, "errors": []}
        world.store.insert(window)
        world.schedule(REPORT, subject, due_at=world.now + WINDOW_S)
    code = "meter_event_customer_not_found" if error.code == "resource_missing" else error.code
    window["errors"].append([code or "meter_event_invalid_value", error.message, identifier or ""])
    world.store.save(window)


@due(REPORT)
def report(world: World, subject: str) -> None:
    """Report the errors gathered in the window, and close it."""
    window = world.store.get(_KIND, subject)
    if window is None:
        return
    world.store.delete(subject)
    data = _data(world, window)
    meter_id = subject.removeprefix("errors_")
    if meter_id == _NO_METER:
        thin_events.emit(world, "v1.billing.meter.no_meter_found", data=data)
        return
    about = {"id": meter_id, "type": "billing.meter", "url": f"/v1/billing/meters/{meter_id}"}
    thin_events.emit(world, "v1.billing.meter.error_report_triggered", data=data, about=about)


def _data(world: World, window: Json) -> Json:
    errors = window["errors"]
    codes = list(dict.fromkeys(code for code, _, _ in errors))
    count = len(errors)
    return {
        "developer_message_summary": f"There {'is 1 invalid event' if count == 1 else f'are {count} invalid events'}.",
        "reason": {"error_count": count, "error_types": [_error_type(code, errors) for code in codes]},
        "validation_end": iso(world.now),
        "validation_start": iso(window["start"]),
    }


def _error_type(code: str, errors: list[list[str]]) -> Json:
    own = [(message, identifier) for each, message, identifier in errors if each == code]
    samples = [{"error_message": message, "request": {"identifier": identifier}} for message, identifier in own]
    return {"code": code, "error_count": len(own), "sample_errors": samples[:MAX_SAMPLES]}
