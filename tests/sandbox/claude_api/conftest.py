"""The sandbox's Claude as a process of its own, and the official SDK pointed at it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest

from tests import guarded
from tests.flows.product import ROOT

KEY = "sk-ant-test-0000000000000000abcd"
HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
HAIKU = "claude-haiku-5-5"
START_WITHIN_S = 20.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the sandbox stopped while it started"
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"the sandbox did not answer within {START_WITHIN_S} s")


@contextlib.contextmanager
def running_process(data_dir: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A sandbox of its own over that folder; the value is its URL and its process."""
    port = _free_port()
    command = ("-m", "sandbox.claude_api", "--port", str(port), "--data", str(data_dir))
    process = guarded.start(*command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process)
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def running_claude(data_dir: Path) -> Iterator[str]:
    """A sandbox of its own over that folder; the value is its URL."""
    with running_process(data_dir) as (url, _):
        yield url


@pytest.fixture(scope="session")
def claude_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the sandbox that most tests share."""
    with running_claude(tmp_path_factory.mktemp("claude")) as url:
        yield url


@pytest.fixture
def start_claude() -> Callable[[Path], contextlib.AbstractContextManager[str]]:
    """Starts a sandbox over a folder, as often as a test likes."""
    return running_claude


@pytest.fixture
def claude_process(tmp_path: Path) -> Callable[[], contextlib.AbstractContextManager[tuple[httpx2.Client, Any]]]:
    """Starts a sandbox over the test's folder, as often as a test likes, with a client and a way to kill it at once."""

    @contextlib.contextmanager
    def start() -> Iterator[tuple[httpx2.Client, Any]]:
        with (
            running_process(tmp_path) as (url, process),
            httpx2.Client(base_url=url, headers=HEADERS, timeout=10) as client,
        ):
            yield client, process.kill

    return start


@pytest.fixture(scope="session")
def shared_http(claude_url: str) -> Iterator[httpx2.Client]:
    """One connection pool for all tests: making one takes longer than most of them."""
    with httpx2.Client(base_url=claude_url, headers=HEADERS, timeout=10) as client:
        yield client


@pytest.fixture
def http(shared_http: httpx2.Client) -> httpx2.Client:
    """A plain HTTP client with a key, on a sandbox that remembers nothing."""
    shared_http.post("/_sandbox/claude/reset").raise_for_status()
    return shared_http


@pytest.fixture(scope="session")
def shared_claude(claude_url: str) -> Iterator[anthropic.Anthropic]:
    """The official SDK; it does not try again."""
    with anthropic.Anthropic(api_key=KEY, base_url=claude_url, max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def claude(shared_claude: anthropic.Anthropic, http: httpx2.Client) -> anthropic.Anthropic:
    """The official SDK, on a sandbox that remembers nothing."""
    return shared_claude


class Control:
    """The sandbox's control API."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def post(self, path: str, /, **fields: Any) -> dict[str, Any]:
        """Give an order that must be accepted."""
        answer = self._http.post(f"/_sandbox/claude/{path}", json=fields)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """Read from the control API, which must answer 200."""
        answer = self._http.get(f"/_sandbox/claude/{path}", params=query)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def only_row(self) -> dict[str, Any]:
        """The ledger's one row."""
        rows = self.get("ledger")["data"]
        assert len(rows) == 1, rows
        return dict(rows[0])

    def row_when_ended(self, *, within_s: float = 5.0) -> dict[str, Any]:
        """The ledger's one row, once the call that is under way has ended."""
        deadline = time.monotonic() + within_s
        while not self.get("ledger")["data"]:
            assert time.monotonic() < deadline, "the call has not ended"
            time.sleep(0.01)
        return self.only_row()


@pytest.fixture
def control(http: httpx2.Client) -> Control:
    """The control API of the shared sandbox."""
    return Control(http)


@pytest.fixture
def body() -> Callable[..., dict[str, Any]]:
    """Makes the body of a request: a prompt, and any field in place of the usual ones."""

    def make(prompt: Any = "Hello world", **fields: Any) -> dict[str, Any]:
        return {"model": HAIKU, "max_tokens": 1000, "messages": [{"role": "user", "content": prompt}], **fields}

    return make


@pytest.fixture
def events(http: httpx2.Client) -> Callable[[dict[str, Any]], list[tuple[str, dict[str, Any]]]]:
    """Streams a body and gives back the events by name, read by the SDK's own decoder."""

    def read(request: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        with http.stream("POST", "/v1/messages", json={**request, "stream": True}) as answer:
            assert answer.status_code == 200, answer.read()
            return [(str(each.event), each.json()) for each in anthropic.Stream.raw_events(answer)]

    return read
