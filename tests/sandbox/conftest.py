"""Fixtures: a sandbox process, the official SDK pointed at it, and a receiver of its webhooks."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.running import Running, client, start_sandbox
from tests.sandbox.shop import Shop, open_shop

Start = Callable[..., Running]


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One process for all tests, since starting takes longer than resetting."""
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"), "--webhook-origin", "http://127.0.0.1")
    yield running
    running.stop()


@pytest.fixture
def sandbox(shared_sandbox: Running) -> Running:
    """An empty sandbox at wall time."""
    for endpoint in shared_sandbox.call("GET", "/v1/webhook_endpoints?limit=100").json()["data"]:
        shared_sandbox.call("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")
    shared_sandbox.control("POST", "/reset")
    return shared_sandbox


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Start]:
    """Starts sandboxes with options of their own, and stops them afterwards."""
    started: list[Running] = []

    def start(*options: str, data: Path | None = None) -> Running:
        started.append(start_sandbox(data or tmp_path / "data", *options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()


@pytest.fixture
def stripe(sandbox: Running) -> StripeClient:
    """The official SDK, without retries."""
    return client(sandbox.url)


@dataclass
class Receiver:
    """A webhook endpoint: keeps what it gets, and answers with the next of `statuses`, then 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.received]

    def wait_for(self, event_type: str, *, timeout_s: float = 5) -> dict[str, Any]:
        """The first event of this type, waited for."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for _, body in list(self.received):
                event: dict[str, Any] = json.loads(body)
                if event["type"] == event_type:
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no {event_type} in {timeout_s} s; there were {self.types()}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver on loopback."""
    state = Receiver("")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.received.append((self.headers["stripe-signature"], body))
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/webhook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(sandbox: Running) -> Shop:
    """A sandbox that sells Pro Haiku."""
    return open_shop(sandbox)
