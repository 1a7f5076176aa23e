"""Stripe's webhooks on their way: delivered, lost, repeated, late, out of order; refused ones come again."""

import json
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from django.conf import settings
from django.test import Client

from tests.billing.test_webhooks import signature
from tests.servers import SandboxServer

# Those that change something here. Deliveries are most of a run's time.
SENT = (
    "customer.subscription.*",
    "customer.updated",
    "checkout.session.completed",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
)
FATES = {"comes": 66, "is lost": 12, "comes twice": 10, "comes late": 12}


@dataclass
class Webhooks:
    """The events of the sandbox's Stripe, brought to the product by hand. Each one's fate is decided by the seed."""

    seed: str
    sandbox: SandboxServer
    names: dict[str, str] = field(default_factory=dict)
    fates: dict[str, int] = field(default_factory=dict)
    _client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    _seen: set[str] = field(default_factory=set)
    _count: dict[str, int] = field(default_factory=dict)
    _waiting: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _round: int = 0

    def deliver(self, *, is_down: bool) -> None:
        """Bring what is due, in an order of chance. While Stripe is down nothing leaves."""
        self._round += 1
        self._collect()
        if is_down:
            return
        due = [event for at, event in self._waiting if at <= self._round]
        self._waiting = [(at, event) for at, event in self._waiting if at > self._round]
        for event in due:
            if self._post(event) >= 500:
                self._waiting.append((self._round + 1, event))

    def _collect(self) -> None:
        new = [event for event in reversed(self._newest()) if event["id"] not in self._seen]
        self._seen |= {event["id"] for event in new}
        for event in new:
            if any(fnmatchcase(event["type"], pattern) for pattern in SENT):
                self._decide(event)

    def _newest(self) -> list[dict[str, Any]]:
        """Return the newest events, as many as reach back to those that were seen. Each is some kilobytes."""
        for limit in (20, 150):
            told = list(self.sandbox.control("GET", f"/events?limit={limit}")["events"])
            if len(told) < limit or told[-1]["id"] in self._seen:
                return told
        return list(self.sandbox.control("GET", "/events?limit=1000")["events"])

    def _decide(self, event: dict[str, Any]) -> None:
        about = event["data"]["object"]
        name = self.names.get(about["id"] if about["object"] == "customer" else about.get("customer") or "", "")
        number = self._count[name] = self._count.get(name, 0) + 1
        chance = Random(f"{self.seed}/{name}/event/{number}")
        fate = chance.choices(list(FATES), weights=list(FATES.values()))[0]
        self.fates[fate] = self.fates.get(fate, 0) + 1
        rounds = {
            "comes": [0],
            "is lost": [],
            "comes twice": [0, chance.randint(0, 3)],
            "comes late": [chance.randint(1, 4)],
        }
        for late in rounds[fate]:
            self._waiting.insert(
                chance.randint(max(0, len(self._waiting) - 2), len(self._waiting)), (self._round + late, event)
            )

    def _post(self, event: dict[str, Any]) -> int:
        body = json.dumps(event).encode()
        signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()))
        answer = self._client.post(
            "/webhooks/stripe", body, content_type="application/json", headers={"stripe-signature": signed}
        )
        return answer.status_code
