"""The load: many clients at once, each with one request after another, until the run is over."""

import asyncio
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp

from tests.conservation.history import ABORTED, CUT, REFUSED, UNREACHED, WHOLE, History, Sent
from tests.conservation.requests import CHAT, HAIKU, MESSAGES, MODELS, OPENAI, Wanted, wanted

# No answer may take longer, whatever is down: ENDING_RETRY_S is 45 s, and a slow stream takes ten.
ANSWERED_WITHIN_S = 75.0
# A client that waits for a paused process gives up in the end.
CLIENT_TIMEOUT = aiohttp.ClientTimeout(total=150, connect=10)
END_OF_STREAM = {MESSAGES: b'"type":"message_stop"', CHAT: b"event: done", OPENAI: b"data: [DONE]"}
PAUSE_S = (0.0, 0.4)


@dataclass(frozen=True)
class Customer:
    """A customer of the run, as `provision` made it. `key` may be changed by the adversary."""

    name: str
    kind: str
    organization_id: int
    customer_id: str
    key: str
    manage_key: str

    @property
    def model(self) -> str:
        """The model that it calls."""
        return MODELS.get(self.kind, HAIKU)


class Load:
    """Clients in a thread of their own. `webs` tells which web servers are up, by name, with their addresses."""

    def __init__(
        self,
        *,
        seed: str,
        customers: list[Customer],
        keys: dict[str, str],
        webs: Callable[[], dict[str, str]],
        history: History,
        clients: int,
    ) -> None:
        self._customers, self._keys, self._webs = customers, keys, webs
        self._history, self._clients = history, clients
        self._chance = Random(f"{seed}/requests")
        self._number = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more, and wait for the answers under way."""
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=CLIENT_TIMEOUT) as session:
            await asyncio.gather(*(self._client(session) for _ in range(self._clients)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self._over.is_set():
            webs = self._webs()
            if not webs:
                await asyncio.sleep(0.1)
                continue
            self._number += 1
            request = wanted(number=self._number, chance=self._chance)
            customer = self._chance.choice(self._customers)
            idempotency_key = secrets.token_hex(8) if request.repeats else ""
            for _ in range(1 + request.repeats):
                web = self._chance.choice(sorted(webs))
                await self._send(session, request, customer, web=web, url=webs[web], idempotency_key=idempotency_key)
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))

    async def _send(
        self,
        session: aiohttp.ClientSession,
        request: Wanted,
        customer: Customer,
        *,
        web: str,
        url: str,
        idempotency_key: str,
    ) -> None:
        sent = Sent(
            tag=request.tag,
            customer=customer.name,
            organization_id=customer.organization_id,
            web=web,
            surface=request.surface,
            kind=request.kind,
            idempotency_key=idempotency_key,
            begun_s=self._history.now_s(),
        )
        key = self._keys.get(customer.name, customer.key)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        body = request.body(model=customer.model, key=key)
        try:
            async with (
                asyncio.timeout(request.leaves_after_s),
                session.post(f"{url}{request.surface}", data=body, headers=headers) as response,
            ):
                await _read(response, request, sent)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            left = isinstance(error, TimeoutError) and request.leaves_after_s is not None
            sent.ending = ABORTED if left else CUT if sent.status else UNREACHED
            sent.said = f"{type(error).__name__}: {error}"[:200]
        sent.ended_s = self._history.now_s()
        self._history.note(sent)


async def _read(response: aiohttp.ClientResponse, request: Wanted, sent: Sent) -> None:
    """Read an answer as its client does: to the end, or until it leaves."""
    sent.status, sent.request_id = response.status, response.headers.get("request-id", "")
    sent.original_request_id = response.headers.get("original-request", "")
    if response.status >= 400:
        sent.ending, sent.said = REFUSED, (await response.read())[:200].decode(errors="replace")
        return
    data = b""
    while request.abort_after is None or len(data) <= request.abort_after:
        piece = await response.content.readany()
        if not piece:
            break
        data += piece
    else:
        sent.ending = ABORTED
        response.close()
        return
    sent.ending = WHOLE if not request.streams or END_OF_STREAM[request.surface] in data else CUT
    if sent.ending == WHOLE:
        sent.output_tokens = output_tokens(data, surface=request.surface, streams=request.streams)


def output_tokens(data: bytes, *, surface: str, streams: bool) -> int | None:
    """Return the output tokens that a whole answer tells; None where it tells none."""
    name = "completion_tokens" if surface == OPENAI else "output_tokens"
    told: int | None = None
    for event in _events(data) if streams else [json.loads(data)]:
        usage = event.get("usage") or (event.get("message") or {}).get("usage") or {}
        told = usage.get(name, told)
    return told


def _events(data: bytes) -> list[dict[str, Any]]:
    lines = (line.removeprefix(b"data: ") for line in data.splitlines() if line.startswith(b"data: {"))
    return [json.loads(line) for line in lines]
