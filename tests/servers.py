"""Real servers for tests, and the words tests steer them by."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from tests import guarded

START_TIMEOUT_S = 20.0


def call(method: str, url: str, body: Any = None, *, timeout_s: float = 30.0) -> Any:
    """Send JSON and return the JSON that comes back. Raises urllib's errors."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        return json.loads(response.read() or b"null")


@dataclass(frozen=True)
class SandboxControl:
    """The words that steer a sandbox, wherever it runs."""

    url: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API."""
        return call(method, f"{self.url}/_sandbox{path}", body)

    def reset(self) -> None:
        """Forget everything: objects, faults, the clock, what Claude served."""
        self.control("POST", "/reset")
        self.control("DELETE", "/faults")

    def advance(self, by: str) -> None:
        """Move the clock: "1 hour", "1 day" or "1 month"."""
        self.control("POST", "/clock", {"advance": by})

    def fail(self, **fault: Any) -> None:
        """Make the next calls to Stripe fail, as `sandbox/faults.py` describes."""
        self.control("POST", "/faults", fault)

    @contextmanager
    def failing(self, **fault: Any) -> Iterator[None]:
        """Make calls to Stripe fail until the end of the block; for ever within it, unless `times` says otherwise."""
        self.fail(**{"times": None, **fault})
        try:
            yield
        finally:
            self.control("DELETE", "/faults")

    def claude_ledger(self, *, since_id: int = 0) -> list[dict[str, Any]]:
        """Return the calls that Claude served, each with an `id`: the truth to compare the product's ledger with."""
        return list(self.control("GET", f"/claude/ledger?limit=10000&since_id={since_id}")["data"])

    def meter_totals(self) -> dict[str, int]:
        """Return the totals of Stripe's meters, by event name, over all customers."""
        totals: dict[str, int] = {}
        for row in self.control("GET", "/meter_totals")["totals"]:
            totals[row["event_name"]] = totals.get(row["event_name"], 0) + int(float(row["value"]))
        return totals


@dataclass(frozen=True)
class SandboxServer(SandboxControl):
    """A sandbox in a process of its own."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, *, data: Path) -> "SandboxServer":
        """Start a sandbox on SANDBOX_PORT and wait until it answers."""
        command = ["-m", "sandbox", "--port", str(settings.SANDBOX_PORT), "--data", str(data)]
        server = cls(url=settings.SANDBOX_URL, process=guarded.start(*command, cwd=settings.BASE_DIR))
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                call("GET", f"{server.url}/_sandbox/health")
                return server
            except OSError:
                assert server.process.poll() is None, "the sandbox ended"
                assert time.monotonic() < deadline, "the sandbox did not start"
                time.sleep(0.05)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(timeout=10)
