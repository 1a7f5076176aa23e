"""The control API `/_sandbox/...`, by which tests and operators steer the sandbox. It speaks JSON and needs no key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox import settings
from sandbox.faults import InvalidFault
from sandbox.passing_time import InvalidAdvance
from sandbox.stripe_api.metering import usage

if TYPE_CHECKING:
    from sandbox.running import Sandbox

Handler = Callable[["Sandbox", Request], Awaitable[Any]]


class BadControl(ValueError):
    """The control request is invalid; the message says what is allowed."""


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the control API of one sandbox."""
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/health", _health),
        ("GET", "/clock", _clock),
        ("POST", "/clock", _advance),
        ("GET", "/faults", _faults),
        ("POST", "/faults", _add_fault),
        ("DELETE", "/faults", _clear_faults),
        ("POST", "/reset", _reset),
        ("GET", "/events", _events),
        ("POST", "/events/{event}/replay", _replay),
        ("GET", "/webhook_deliveries", _deliveries),
        ("GET", "/requests", _requests),
        ("GET", "/meter_totals", _meter_totals),
        ("GET", "/settings", _settings),
        ("POST", "/settings", _change_settings),
    ]
    return [Route(path, _with_errors_as_json(sandbox, handler), methods=[method]) for method, path, handler in table]


def _with_errors_as_json(sandbox: Sandbox, handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await handler(sandbox, request))
        except (BadControl, InvalidAdvance, InvalidFault, settings.InvalidSetting) as error:
            return JSONResponse({"error": {"message": str(error)}}, status_code=400)

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise BadControl("The body must be JSON.") from error
    if not isinstance(body, dict):
        raise BadControl("The body must be a JSON object.")
    return body


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "100")
    if not text.isdigit() or not 1 <= int(text) <= 1_000:
        raise BadControl("`limit` is a whole number from 1 to 1000.")
    return int(text)


async def _health(sandbox: Sandbox, request: Request) -> Any:
    return {"status": "ok", "webhooks_pending": sandbox.deliveries.pending()}


async def _clock(sandbox: Sandbox, request: Request) -> Any:
    return {"now": sandbox.clock.now(), "offset_s": sandbox.clock.offset_s}


async def _advance(sandbox: Sandbox, request: Request) -> Any:
    body = await _body(request)
    span, customer = body.pop("advance", None), body.pop("customer", None)
    if body or not isinstance(span, str) or not (customer is None or isinstance(customer, str)):
        raise BadControl(
            'Give {"advance": "1 hour" | "1 day" | "1 month" | "to_period_end"}, and "customer" if you like.'
        )
    await sandbox.time.advance(span, customer=customer)
    return await _clock(sandbox, request)


async def _faults(sandbox: Sandbox, request: Request) -> Any:
    return {"faults": [fault.as_json() for fault in sandbox.faults.waiting()]}


async def _add_fault(sandbox: Sandbox, request: Request) -> Any:
    return sandbox.faults.add(await _body(request)).as_json()


async def _clear_faults(sandbox: Sandbox, request: Request) -> Any:
    sandbox.faults.clear()
    return {"faults": []}


async def _reset(sandbox: Sandbox, request: Request) -> Any:
    sandbox.reset()
    return await _clock(sandbox, request)


async def _events(sandbox: Sandbox, request: Request) -> Any:
    events, _ = sandbox.store.page("event", {"type": request.query_params.get("type")}, limit=_limit(request))
    return {"events": events}


async def _replay(sandbox: Sandbox, request: Request) -> Any:
    replayed = sandbox.deliveries.replay(request.path_params["event"])
    if not replayed:
        raise BadControl("No endpoint was told of this event, so there is nothing to replay.")
    sandbox.courier.wake()
    return {"replayed": replayed}


async def _deliveries(sandbox: Sandbox, request: Request) -> Any:
    found = sandbox.deliveries.newest(limit=_limit(request), event=request.query_params.get("event"))
    return {"pending": sandbox.deliveries.pending(), "deliveries": [delivery.as_json() for delivery in found]}


async def _requests(sandbox: Sandbox, request: Request) -> Any:
    return {"requests": [logged.as_json() for logged in sandbox.requests.newest(_limit(request))]}


async def _meter_totals(sandbox: Sandbox, request: Request) -> Any:
    """Return the exact sum and number of events, by event name and customer."""
    found = usage.held(sandbox.store, customer=request.query_params.get("customer"))
    totals = [
        {"event_name": held.event_name, "customer": held.customer, "value": held.value, "events": held.events}
        for held in found
    ]
    return {"totals": totals}


async def _settings(sandbox: Sandbox, request: Request) -> Any:
    return settings.read(sandbox.store)


async def _change_settings(sandbox: Sandbox, request: Request) -> Any:
    return settings.change(sandbox.store, await _body(request))
