"""The API: `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models` and `GET /v1/models/{id}`."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

from starlette.routing import BaseRoute, Route

from sandbox.claude_api import request as requests
from sandbox.claude_api import rules
from sandbox.claude_api.call import Call
from sandbox.claude_api.errors import ApiError, invalid
from sandbox.claude_api.events import Message
from sandbox.claude_api.faults import Path
from sandbox.claude_api.ids import new_id
from sandbox.claude_api.ledger import Served
from sandbox.claude_api.models import page
from sandbox.claude_api.plan import Plan, Plans, Sent, make_plan, read_prompt
from sandbox.claude_api.state import State
from sandbox.claude_api.usage import InputUsage
from sandbox.claude_api.versions import check_version, read_version
from sandbox.claude_api.whole_numbers import whole_number
from sandbox.claude_api.wire import ClientGoneError, ClientWatch, Endpoint, Exchange

_DEFAULT_PAGE = 20
_LARGEST_PAGE = 1000
_LONGEST_MODEL_ID = 100
_READ = frozenset({"GET", "HEAD"})
_WRITE = frozenset({"POST"})


class Api:
    """The handlers of the API, over the state that they share."""

    def __init__(self, *, state: State) -> None:
        self._state = state
        self._plans = Plans()

    def routes(self) -> list[BaseRoute]:
        """Return the routes. Each answers a wrong method itself, in Claude's shape."""
        return [
            Route("/v1/messages", Endpoint(methods=_WRITE, handler=self.messages), name="messages"),
            Route(
                "/v1/messages/count_tokens", Endpoint(methods=_WRITE, handler=self.count_tokens), name="count_tokens"
            ),
            Route("/v1/models", Endpoint(methods=_READ, handler=self.models), name="models"),
            Route("/v1/models/{model_id}", Endpoint(methods=_READ, handler=self.model), name="model"),
        ]

    async def messages(self, exchange: Exchange) -> None:
        """Answer a conversation. A refused call gets its row in the ledger too."""
        try:
            plan = self._plan(exchange, await self._receive(exchange))
            call = await self._begin(exchange, plan)
        except ApiError as error:
            self._record_refusal(exchange, error)
            raise
        await call.answer()

    async def count_tokens(self, exchange: Exchange) -> None:
        """Count a prompt's tokens, as `messages` would."""
        version = read_version(exchange.headers.get(b"anthropic-version"))
        request = requests.read(await self._receive(exchange), generates=False, beta=exchange.is_beta)
        model = self._state.catalogue.callable(request.model)
        check_version(request, version=version)
        rules.check(request, model=model, generates=False)
        await self._meet_fault(exchange, path="count_tokens", model=model.id)
        await exchange.answer({"input_tokens": read_prompt(request, model=model).uncached.total})

    async def models(self, exchange: Exchange) -> None:
        """List the models, the newest first."""
        exchange.authenticate()
        await self._meet_fault(exchange, path="models")
        query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
        shown = page(
            models=self._state.catalogue.all(),
            after_id=query.get("after_id", [None])[0],
            before_id=query.get("before_id", [None])[0],
            limit=_limit(query.get("limit", [str(_DEFAULT_PAGE)])[0]),
        )
        await exchange.answer(shown)

    async def model(self, exchange: Exchange) -> None:
        """Show one model, by id or alias."""
        exchange.authenticate()
        await self._meet_fault(exchange, path="models")
        await exchange.answer(self._state.catalogue.find(exchange.scope["path_params"]["model_id"]).as_info())

    async def _receive(self, exchange: Exchange) -> bytes:
        exchange.authenticate()
        raw = await exchange.body()
        self._state.journal.add(exchange, raw)
        return raw

    def _plan(self, exchange: Exchange, raw: bytes) -> Plan:
        """Decide all that depends on the call alone. Raises `ApiError` for a call that is to be refused."""
        catalogue, version = self._state.catalogue, read_version(exchange.headers.get(b"anthropic-version"))
        sent = Sent(raw, exchange.is_beta, version, catalogue.version)
        plan = self._plans.recall(sent)
        if plan is None:
            request = requests.read(raw, generates=True, beta=sent.beta)
            exchange.model, exchange.streams = request.model, request.stream
            plan = make_plan(request, catalogue=catalogue, version=version)
            self._plans.remember(plan, sent=sent)
        exchange.model, exchange.streams = plan.model.id, plan.request.stream
        return plan

    async def _begin(self, exchange: Exchange, plan: Plan) -> Call:
        """Decide the rest. Raises `ApiError` where a fault or the directive makes the call fail."""
        state, directive = self._state, plan.request.directive
        behaviour = state.faults.take(path="messages", key=exchange.key, model=plan.model.id) or directive.behaviour
        if behaviour.refuses(streams=plan.request.stream):
            await _pause(exchange, behaviour.delay_ms)
            raise behaviour.as_error()
        message = Message(
            id=new_id("msg_01"),
            model=plan.model.id,
            answer=plan.answer,
            input_usage=self._input_usage(exchange, plan),
            shape=directive.shape,
            chunks=directive.chunks,
        )
        headers = state.limits.count_call(
            key=exchange.key, input_tokens=message.input_usage.total, output_tokens=plan.answer.output.total
        )
        return Call(
            exchange=exchange,
            message=message,
            behaviour=behaviour,
            pace=state.pace,
            ledger=state.ledger,
            holds=state.holds,
            headers=headers,
            tag=directive.tag,
        )

    def _input_usage(self, exchange: Exchange, plan: Plan) -> InputUsage:
        """Return the input tokens by class: as the directive says, else as the prompt cache finds them."""
        prompt = plan.prompt
        if not prompt.uses_cache:
            return prompt.uncached
        return self._state.cache.use(blocks=prompt.blocks, model=plan.model, key=exchange.key, now=time.monotonic())

    async def _meet_fault(self, exchange: Exchange, *, path: Path, model: str | None = None) -> None:
        behaviour = self._state.faults.take(path=path, key=exchange.key, model=model)
        if behaviour is None:
            return
        await _pause(exchange, behaviour.delay_ms)
        if behaviour.refuses(streams=False):
            raise behaviour.as_error()

    def _record_refusal(self, exchange: Exchange, error: ApiError) -> None:
        self._state.ledger.record(
            Served(
                request_id=exchange.request_id,
                key_hint=exchange.key_hint,
                model=exchange.model[:_LONGEST_MODEL_ID],
                stream=exchange.streams,
                ended="error",
                status=error.status,
                error_type=error.error_type,
            )
        )


def _limit(text: str) -> int:
    limit = whole_number(text, least=1, most=_LARGEST_PAGE)
    if limit is None:
        raise invalid(f"limit: Input should be a whole number from 1 to {_LARGEST_PAGE}")
    return limit


async def _pause(exchange: Exchange, milliseconds: float) -> None:
    """Wait. Raises `ClientGoneError` where the client leaves meanwhile."""
    if not milliseconds:
        return
    async with ClientWatch(exchange) as client:
        await client.pause(milliseconds / 1000)
    if client.gone:
        raise ClientGoneError
