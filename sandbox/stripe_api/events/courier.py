"""The courier: tells webhook endpoints and event destinations of events, signed, in order, and retried with growing
pauses (https://docs.stripe.com/webhooks).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.doors import Receivers
from sandbox.faults import Fault, Faults
from sandbox.store import Json, Store
from sandbox.stripe_api.events.thin_events import payload_of
from sandbox.stripe_api.protocol.deliveries import Deliveries, Delivery
from sandbox.stripe_api.protocol.encoding import to_json

TIMEOUT_S = 30.0
_LOOK_AGAIN_S = 0.5


def sign(payload: bytes, *, secret: str, at: int) -> str:
    """Return the `Stripe-Signature` header: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.payload">`
    (https://docs.stripe.com/webhooks/signature).

    `at` is wall time, since receivers compare it with their own clock.
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Delivers due events one after the other, in a thread of its own, so that receivers may call back."""

    def __init__(self, store: Store, faults: Faults, receivers: Receivers) -> None:
        self._store = store
        self._receivers = receivers
        self._faults = faults
        self._deliveries = Deliveries(store)
        self._struck: set[int] = set()
        self._overtaken: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhooks")

    def wake(self) -> None:
        """Look for due deliveries now instead of at the next tick."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                if not await self._deliver_due():
                    await self._sleep()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), timeout=_LOOK_AGAIN_S)
        except TimeoutError:
            return

    async def _deliver_due(self) -> int:
        if self._faults.is_down():
            return 0
        due = self._deliveries.due(now=time.time())
        for delivery in due:
            await self._deliver(delivery)
        return len(due)

    async def _deliver(self, delivery: Delivery) -> None:
        event = self._store.get_any(delivery.event)
        endpoint = self._store.get_any(delivery.endpoint)
        if event is None or endpoint is None or endpoint["status"] != "enabled":
            self._deliveries.drop(delivery)
            return
        fault = self._take_fault(delivery, event)
        if fault and fault.effect != "webhook_twice":
            self._misdeliver(delivery, fault)
            return
        await self._attempt(delivery, endpoint, event)
        if fault:
            self._struck.add(self._deliveries.add(event=delivery.event, endpoint=delivery.endpoint))
        if overtaken := self._overtaken.pop(delivery.endpoint, None):
            self._deliveries.postpone(overtaken, until=0)

    def _take_fault(self, delivery: Delivery, event: Json) -> Fault | None:
        """Return the fault this delivery meets, at most one and at its first attempt."""
        if delivery.attempts or delivery.seq in self._struck:
            return None
        fault = self._faults.take_for_event(event["type"])
        if fault:
            self._struck.add(delivery.seq)
        return fault

    def _misdeliver(self, delivery: Delivery, fault: Fault) -> None:
        if fault.effect == "webhook_never":
            self._deliveries.lose(delivery)
            return
        self._deliveries.postpone(delivery.seq, until=time.time() + fault.delay_s)
        if fault.effect == "webhook_out_of_order":
            self._overtaken[delivery.endpoint] = delivery.seq

    async def _attempt(self, delivery: Delivery, endpoint: Json, event: Json) -> None:
        loop = asyncio.get_running_loop()
        status: int | None = None
        error: str | None = self._receivers.refusal(_url_of(endpoint))
        if not error:
            status, error = await loop.run_in_executor(self._thread, _post, endpoint, event)
        if error is None and status is not None:
            self._deliveries.succeeded(delivery, status=status, now=time.time())
        else:
            self._deliveries.failed(delivery, status=status, error=error or "", now=time.time())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for the failure that it is to Stripe (https://docs.stripe.com/webhooks)."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _url_of(endpoint: Json) -> str:
    return str(endpoint.get("url") or endpoint["_url"])  # checked to be http or https when it was stored


def _post(endpoint: Json, event: Json) -> tuple[int | None, str | None]:
    """Post the event, and return the receiver's status, with an error unless it was 2xx."""
    payload = to_json(payload_of(event))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": sign(payload, secret=endpoint["_secret"], at=int(time.time())),
    }
    request = urllib.request.Request(_url_of(endpoint), data=payload, headers=headers, method="POST")  # noqa: S310
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as response:
            return int(response.status), None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(300).decode(errors="replace")
    except (OSError, ValueError) as error:
        return None, str(getattr(error, "reason", error))
