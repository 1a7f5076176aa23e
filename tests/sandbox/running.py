"""A sandbox in a process of its own, and the ways to talk to it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stripe import StripeClient

from tests import guarded

KEY = "sk_test_sandboxsandboxsandboxsand"
_ROOT = Path(__file__).parents[2]


@dataclass
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def http_call(
    method: str,
    url: str,
    *,
    form: dict[str, Any] | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 20,
) -> Answer:
    """One request without redirects; error statuses are answers like others."""
    data = urllib.parse.urlencode(form).encode() if form is not None else body
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        response = _OPENER.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return Answer(
            response.status, response.read(), {name.lower(): value for name, value in response.headers.items()}
        )


@dataclass
class Running:
    """A running sandbox and the ways to talk to it."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def call(
        self, method: str, path: str, form: dict[str, Any] | None = None, *, key: str | None = KEY, **headers: str
    ) -> Answer:
        """A raw call of Stripe's API; header names are given with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            given["Authorization"] = f"Bearer {key}"
        return http_call(method, f"{self.url}{path}", form=form, headers=given)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control API that must succeed."""
        data = None if body is None else json.dumps(body).encode()
        answer = http_call(method, f"{self.url}/_sandbox{path}", body=data)
        assert answer.status == 200, answer.body
        return answer.json()

    def advance(self, span: str) -> float:
        return float(self.control("POST", "/clock", {"advance": span})["now"])

    def stop(self) -> float:
        """Send SIGTERM; returns the seconds until it was gone."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=15)
        return time.monotonic() - started


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start_sandbox(data: Path, *options: str, port: int | None = None) -> Running:
    """Start a sandbox process and wait until it answers."""
    port = port or free_port()
    command = ("-m", "sandbox", "--port", str(port), "--data", str(data), *options)
    process = guarded.start(*command, cwd=_ROOT, stdout=subprocess.DEVNULL)
    running = Running(f"http://127.0.0.1:{port}", data, process)
    deadline = time.monotonic() + 20
    while True:
        try:
            running.control("GET", "/health")
        except OSError:
            assert process.poll() is None, "the sandbox ended instead of starting"
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)
        else:
            return running


def client(url: str) -> StripeClient:
    """The official SDK, without retries, pointed at a sandbox."""
    return StripeClient(KEY, base_addresses={"api": url, "meter_events": url}, max_network_retries=0)
