"""The ASGI application of Stripe's API: it reads a request, authenticates, routes, runs it in one transaction, answers
and logs.

All between reading and answering is synchronous, so each call is atomic and they run one by one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.store import Json, Store
from sandbox.stripe_api import test_clocks
from sandbox.stripe_api.metering import v2_meter_events
from sandbox.stripe_api.protocol import auth, forms, idempotency, ids, meter_traffic
from sandbox.stripe_api.protocol.encoding import to_json
from sandbox.stripe_api.protocol.endpoint import ENDPOINTS, Endpoint, Routes
from sandbox.stripe_api.protocol.errors import ApiError, InvalidRequest, RateLimited, StripeError
from sandbox.stripe_api.protocol.expand import expand
from sandbox.stripe_api.protocol.meter_traffic import MeterTraffic
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import API_VERSION, Origin, World
from sandbox.stripe_api.request_log import MAX_BODY, LoggedRequest, RequestLog

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 1_000_000


@dataclass(frozen=True)
class Answer:
    """An answer to be sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request, while it is answered."""

    method: str
    path: str
    form: str
    too_large: bool
    headers: dict[str, str]
    id: str = field(default_factory=lambda: ids.new("req", length=14))
    key: str = ""
    takes_s: float = 0.0

    @property
    def is_v2(self) -> bool:
        """Tell whether the call is for version 2 of the API, which reads JSON."""
        return self.path.startswith("/v2/")

    @property
    def idempotency_key(self) -> str | None:
        """Return the idempotency key of a POST, if it has one."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


class StripeApi:
    """Answers Stripe's API from `store`. Calls `on_change` after every call that may have emitted events."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        faults: Faults,
        requests: RequestLog,
        base_url: str,
        on_change: Callable[[], None],
    ) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults
        self.requests = requests
        self.base_url = base_url
        self._on_change = on_change
        self._traffic = MeterTraffic(store)
        self._routes = Routes(ENDPOINTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = time.perf_counter()
        call = await _read(request)
        fault = self.faults.take_for_call(call.method, call.path)
        does_nothing = fault and fault.effect in ("status", "down", "rate_limit", "timeout")
        answer = self._failing_answer(fault) if fault and does_nothing else self.answer(call)
        answer = _with_headers(answer, call)
        self._log(call, answer, started)
        if call.takes_s:
            await asyncio.sleep(call.takes_s)
        if fault and fault.effect in ("timeout", "timeout_after", "slow"):
            await _delay(request, fault)
            if fault.effect != "slow":
                return
        await Response(answer.body, answer.status, answer.headers, "application/json")(scope, receive, send)

    def world(self, origin: Origin | None = None) -> World:
        """Return the world of this moment."""
        return World(self.store, int(self.clock.now()), self.base_url, origin or Origin())

    def answer(self, call: Call) -> Answer:
        """Run one call to its answer. Never raises: an internal error becomes Stripe's 500, and is logged."""
        try:
            return self._answer(call)
        except StripeError as error:
            return _error_answer(error, call)
        except Exception:
            log.exception("%s %s failed", call.method, call.path)
            return _error_answer(ApiError("An unknown error occurred in the sandbox. Its log says which."), call)
        finally:
            if call.method != "GET":
                self._on_change()

    def _answer(self, call: Call) -> Answer:
        call.key = self._authenticate(call)
        auth.check_versions(call.headers)
        endpoint, path_values = self._routes.find(call.method, call.path)
        given = _parameters(call)
        world = self.world(Origin(call.id, call.idempotency_key))
        if call.idempotency_key:
            kept = idempotency.recall(self.store, key=call.idempotency_key, path=call.path, given=given, now=world.now)
            if kept:
                return Answer(
                    kept.status, kept.body, {"idempotent-replayed": "true", "original-request": kept.request_id}
                )
        checked = endpoint.check(given)
        if call.path == meter_traffic.GUARDED_PATH:
            call.takes_s = self._traffic.occupy(checked)
        return self._run(call, world, given, lambda: _result(world, endpoint, checked, path_values))

    def _authenticate(self, call: Call) -> str:
        if call.path == v2_meter_events.STREAM:
            return v2_meter_events.authenticate(self.store, call.headers, now=self.clock.now())
        return auth.authenticate(call.headers)

    def _run(self, call: Call, world: World, given: Params, operation: Callable[[], Json]) -> Answer:
        """Run in one transaction, and keep the answer for the idempotency key, errors included, as Stripe does."""
        try:
            with self.store.transaction():
                try:
                    answer = Answer(200, to_json(operation()))
                except StripeError as error:
                    if not error.keeps_changes:
                        raise
                    answer = _error_answer(error, call)
                self._keep(call, world, given, answer)
        except StripeError as error:  # rolled back
            answer = _error_answer(error, call)
            self._keep(call, world, given, answer)
        return answer

    def _keep(self, call: Call, world: World, given: Params, answer: Answer) -> None:
        if call.idempotency_key:
            kept = idempotency.KeptAnswer(call.id, answer.status, answer.body)
            idempotency.keep(
                self.store, key=call.idempotency_key, path=call.path, given=given, now=world.now, answer=kept
            )

    def _failing_answer(self, fault: Fault) -> Answer:
        if fault.effect == "rate_limit":
            error: StripeError = RateLimited(
                "Request rate limit exceeded. You can learn more about rate limits here "
                "https://stripe.com/docs/rate-limits.",
                code="rate_limit",
            )
            if fault.retry_after_s is not None:
                error.headers["retry-after"] = f"{fault.retry_after_s:g}"
        else:
            error = ApiError("The sandbox was asked to fail this call.")
            error.status = fault.status
        return _error_answer(error, None)

    def _log(self, call: Call, answer: Answer, started: float) -> None:
        self.requests.add(
            LoggedRequest(
                id=call.id,
                at=self.clock.now(),
                method=call.method,
                path=call.path,
                form=call.form[:MAX_BODY],
                key=auth.redacted(call.key) if call.key else "",
                idempotency_key=call.idempotency_key,
                status=answer.status,
                answer=answer.body[:MAX_BODY].decode(errors="replace"),
                duration_ms=(time.perf_counter() - started) * 1000,
            )
        )


def _result(world: World, endpoint: Endpoint, checked: Params, path_values: tuple[str, ...]) -> Json:
    paths = checked.pop("expand", [])
    names = test_clocks.ids_in(checked, path_values)
    world = test_clocks.world_at_clock_of(world, names, changes=endpoint.method != "GET")
    result = endpoint.handler(world, checked, *path_values)
    if result.get("object") == "list":
        shown = {**result, "data": [world.render(doc) for doc in result["data"]]}
    else:
        shown = world.render(result)
    return expand(world, shown, paths)


def _parameters(call: Call) -> Params:
    if call.too_large:
        error = InvalidRequest(f"The request is larger than {MAX_REQUEST_BYTES:,} bytes.")
        error.status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise error
    content_type = call.headers.get("content-type", "")
    if call.is_v2 and call.method == "POST":
        return _json_parameters(call, content_type)
    if call.method == "POST" and call.form and not content_type.startswith("application/x-www-form-urlencoded"):
        raise InvalidRequest(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have "
            "any questions, "
            "we can help at https://support.stripe.com/."
        )
    return forms.decode(call.form)


def _json_parameters(call: Call, content_type: str) -> Params:
    """Read JSON, as version 2 of the API does (https://docs.stripe.com/api-v2-overview)."""
    if call.form and not content_type.startswith("application/json"):
        raise InvalidRequest("Version 2 of the API takes bodies of the type application/json alone.")
    try:
        given = json.loads(call.form or "{}")
    except ValueError as error:
        raise InvalidRequest("The request's body is not JSON.", code="invalid_json") from error
    if not isinstance(given, dict):
        raise InvalidRequest("The request's body must be a JSON object.", code="invalid_json")
    return given


def _error_answer(error: StripeError, call: Call | None) -> Answer:
    body = error.body(request_id=call.id if call else "req_fault")
    return Answer(error.status, to_json(body), error.headers)


def _with_headers(answer: Answer, call: Call) -> Answer:
    headers = {
        "request-id": call.id,
        "stripe-version": API_VERSION,
        "cache-control": "no-cache, no-store",
        **answer.headers,
    }
    if call.idempotency_key:
        headers["idempotency-key"] = call.idempotency_key
    if 400 <= answer.status < 500 and answer.status not in (409, 429):
        headers["stripe-should-retry"] = "false"
    return Answer(answer.status, answer.body, headers)


async def _read(request: Request) -> Call:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= MAX_REQUEST_BYTES:
            body += chunk
    form = body.decode(errors="replace") if request.method == "POST" else request.url.query
    return Call(request.method, request.url.path, form, len(body) > MAX_REQUEST_BYTES, dict(request.headers))


async def _delay(request: Request, fault: Fault) -> None:
    """Keep the client waiting for the fault's delay, or until it hangs up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(fault.delay_s):
            while (await request.receive())["type"] != "http.disconnect":
                pass
