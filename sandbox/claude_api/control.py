"""The control API of the sandbox's Claude, for tests and browsers. It needs no key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.claude_api.errors import ApiError
from sandbox.claude_api.faults import FaultRequest
from sandbox.claude_api.ledger import MOST_ROWS_A_PAGE, Filter
from sandbox.claude_api.models import BUILT_IN, Model
from sandbox.claude_api.pace import Settings
from sandbox.claude_api.state import State
from sandbox.claude_api.whole_numbers import whole_number

_DEFAULT_ROWS = 1000
Handler = Callable[[Request], Awaitable[Response]]
Body = TypeVar("Body", bound=BaseModel)


class _Age(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(gt=0)


class _Release(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class _InvalidRequestError(Exception):
    """The control request is invalid; the message says why."""


class Control:
    """The handlers, over the state that they show and change."""

    def __init__(self, *, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        """Return the routes, relative to where the application mounts them."""
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "/settings", self.show_settings),
            ("POST", "/settings", self.change_settings),
            ("GET", "/faults", self.list_faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/ledger", self.list_ledger),
            ("GET", "/ledger/totals", self.show_totals),
            ("GET", "/requests", self.list_requests),
            ("GET", "/held", self.list_held),
            ("POST", "/held/release", self.release_held),
            ("GET", "/models", self.list_models),
            ("POST", "/models/{model_id}", self.change_model),
            ("POST", "/cache/age", self.age_cache),
            ("DELETE", "/cache", self.clear_cache),
            ("POST", "/reset", self.reset),
        ]
        return [Route(path, _with_errors_as_json(handler), methods=[method]) for method, path, handler in handlers]

    async def show_settings(self, request: Request) -> Response:
        """Show the settings."""
        return JSONResponse(self._state.pace.settings.model_dump())

    async def change_settings(self, request: Request) -> Response:
        """Change the given settings, and keep the others."""
        changed = await _json(request)
        settings = _read({**self._state.pace.settings.model_dump(), **changed}, Settings)
        self._state.pace.change(settings)
        return JSONResponse(settings.model_dump())

    async def list_faults(self, request: Request) -> Response:
        """List the faults that wait."""
        return JSONResponse({"data": self._state.faults.all()})

    async def add_fault(self, request: Request) -> Response:
        """Add a fault for the next calls."""
        return JSONResponse(self._state.faults.add(_read(await _json(request), FaultRequest)), status_code=201)

    async def clear_faults(self, request: Request) -> Response:
        """Remove every fault."""
        self._state.faults.clear()
        return JSONResponse({"data": []})

    async def list_ledger(self, request: Request) -> Response:
        """List rows of the ledger, oldest first. `last_id` is the next page's `since_id`."""
        limit = _whole(request, "limit", default=_DEFAULT_ROWS, most=MOST_ROWS_A_PAGE)
        wanted = _filter(request)
        rows = self._state.ledger.rows(wanted=wanted, limit=limit + 1)
        shown = rows[:limit]
        last_id = shown[-1]["id"] if shown else wanted.since_id
        return JSONResponse({"data": shown, "has_more": len(rows) > limit, "last_id": last_id})

    async def show_totals(self, request: Request) -> Response:
        """Sum the ledger's rows."""
        return JSONResponse(self._state.ledger.totals(wanted=_filter(request)))

    async def list_requests(self, request: Request) -> Response:
        """List the last requests as they came, newest first."""
        return Response(f'{{"data": {self._state.journal.as_json()}}}', media_type="application/json")

    async def list_held(self, request: Request) -> Response:
        """List the names of calls that are held."""
        return JSONResponse({"data": self._state.holds.names()})

    async def release_held(self, request: Request) -> Response:
        """Let the call of a name go on."""
        name = _read(await _json(request), _Release).name
        if not self._state.holds.release(name):
            raise _InvalidRequestError(f"No call is held by the name {name!r}")
        return JSONResponse({"data": self._state.holds.names()})

    async def list_models(self, request: Request) -> Response:
        """List the models with all their fields."""
        return JSONResponse({"data": [model.model_dump() for model in self._state.catalogue.all()]})

    async def change_model(self, request: Request) -> Response:
        """Change some fields of a model. An unknown id makes a new model, with the newest model's values for absent
        fields.
        """
        model_id = request.path_params["model_id"]
        known = {model.id: model for model in self._state.catalogue.all()}
        base = known.get(model_id) or BUILT_IN[0].model_copy(update={"display_name": model_id})
        model = _read({**base.model_dump(), **await _json(request), "id": model_id}, Model)
        self._state.catalogue.put(model)
        return JSONResponse(model.model_dump())

    async def age_cache(self, request: Request) -> Response:
        """Let time pass for the prompt cache."""
        self._state.cache.age(seconds=_read(await _json(request), _Age).seconds)
        return JSONResponse({})

    async def clear_cache(self, request: Request) -> Response:
        """Empty the prompt cache."""
        self._state.cache.clear()
        return JSONResponse({})

    async def reset(self, request: Request) -> Response:
        """Forget everything."""
        self._state.reset()
        return JSONResponse({})


def _with_errors_as_json(handler: Handler) -> Handler:
    """Wrap a handler so that an invalid request is answered by a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _InvalidRequestError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except ApiError as error:
            return JSONResponse({"error": error.message}, status_code=error.status)

    return answer


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise _InvalidRequestError(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise _InvalidRequestError("The body must be a JSON object")
    return body


def _read(fields: dict[str, Any], kind: type[Body]) -> Body:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _InvalidRequestError(f"{place}: {first['msg']}" if place else first["msg"]) from None


def _filter(request: Request) -> Filter:
    query = request.query_params
    return Filter(
        since_id=_whole(request, "since_id", default=0, most=2**62),
        key=query["key"][-4:] if "key" in query else None,
        model=query.get("model"),
        ended=query.get("ended"),
        request_id=query.get("request_id"),
    )


def _whole(request: Request, name: str, *, default: int, most: int) -> int:
    number = whole_number(request.query_params.get(name, str(default)), most=most)
    if number is None:
        raise _InvalidRequestError(f"{name} must be a whole number up to {most}")
    return number
