"""Calls to Claude through the product's API: at once, or held in flight while other things happen."""

import json
import threading
import time
from dataclasses import dataclass, field
from random import Random
from urllib.error import HTTPError, URLError

from tests.flows.client import Client
from tests.flows.wire import Answer
from tests.random_customers.own_books import MODELS, Call
from tests.random_customers.world import World
from tests.rgent.management_api.client import Manager

HELD_WITHIN_S = 20.0


@dataclass
class HeldCall:
    """A call in flight, until it is released."""

    call: Call
    thread: threading.Thread
    answers: list[tuple[int, str]]


@dataclass
class Caller:
    """One customer's calls: makes them, and keeps what is known of each without asking the product's ledger."""

    name: str
    world: World
    client: Client
    manager: Manager
    chance: Random
    calls: list[Call] = field(default_factory=list)

    def call(self) -> Call:
        """Make a call and wait for its answer."""
        call = self._begin()
        self._end(call, self._send(call, prompt=self._prompt(call)))
        return call

    def hold(self, *, over: str) -> HeldCall | None:
        """Begin a call that stays in flight; None where it was refused. `over` says what is to happen meanwhile."""
        call = self._begin()
        call.over.append(over)
        prompt, answers = self._prompt(call, f"hold={call.name}"), []
        thread = threading.Thread(target=lambda: answers.append(self._send(call, prompt=prompt)))
        held = HeldCall(call=call, thread=thread, answers=answers)
        thread.start()
        self._wait_until_out(held)
        if not answers:
            return held
        self.release(held)
        return None

    def release(self, held: HeldCall) -> None:
        """Let a call in flight end."""
        if not held.answers:
            self.world.sandbox.control("POST", "/claude/held/release", {"name": held.call.name})
        held.thread.join(timeout=HELD_WITHIN_S)
        self._end(held.call, held.answers[0])

    def _wait_until_out(self, held: HeldCall) -> None:
        gives_up_at = time.monotonic() + HELD_WITHIN_S
        while not held.answers and held.call.name not in self.world.sandbox.control("GET", "/claude/held")["data"]:
            assert time.monotonic() < gives_up_at, f"{held.call.name} neither went out nor was refused"
            time.sleep(0.005)

    def _begin(self) -> Call:
        plan, now = self.manager.get("/subscription")["plan"], self.world.now()
        name = f"{self.name}-{len(self.calls) + 1}"
        call = Call(name=name, plan=plan, model=MODELS[plan], begun_at=now, ended_at=now, status=0)
        self.calls.append(call)
        return call

    def _end(self, call: Call, answer: tuple[int, str]) -> None:
        call.status, call.message_id = answer
        call.ended_at = self.world.now()

    def _prompt(self, call: Call, *more: str) -> str:
        """Return a prompt that decides the usage. Usage is large, so that cents are at stake."""
        chance, most = self.chance, 2_000 if call.plan == "trial" else 300_000
        asked = {"input": chance.randint(1, most), "output": chance.randint(1, min(most, 9_000))}
        if chance.random() < 0.3:
            asked |= {name: chance.randint(1, most) for name in ("cache_read", "cache_write_5m", "cache_write_1h")}
        words = [f"{name}={value}" for name, value in asked.items()]
        if not more and chance.random() < 0.04:
            words.append("error=529")
        return f"[[usage {' '.join([*words, *more])}]] {call.name}"

    def _send(self, call: Call, *, prompt: str) -> tuple[int, str]:
        """Send a call in one of the ways there are; return the status, and Claude's id of the answer."""
        if sum(map(ord, call.name)) % 3 == 0:
            return self._stream(call, prompt)
        answer: Answer = self.client.messages(prompt, model=call.model)
        return answer.status, answer.json()["id"] if answer.status == 200 else ""

    def _stream(self, call: Call, prompt: str) -> tuple[int, str]:
        try:
            with self.client.stream(prompt, model=call.model) as stream:
                events = [line[6:] for line in stream.read().splitlines() if line.startswith(b"data: ")]
        except HTTPError as error:
            with error:
                return error.code, ""
        except URLError:
            return 0, ""
        return 200, json.loads(events[0])["message"]["id"]
