"""Plain HTTP for API tests, as curl would see it."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from billing.models import UsageRecord


@dataclass(frozen=True)
class Answer:
    """A status, headers in lower case, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[str, str]:
        """The error's type and message; fails where the body is not an error of Anthropic's shape."""
        assert self.json["type"] == "error"
        assert self.json["request_id"] == self.headers["request-id"]
        return self.json["error"]["type"], self.json["error"]["message"]


def send(
    base: str,
    method: str,
    path: str,
    *,
    body: Any = None,
    raw: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Answer:
    """Send one request and read the whole answer. Raises TimeoutError, with the connection closed."""
    data = raw if raw is not None or body is None else json.dumps(body).encode()
    with open_request(base, method, path, data=data, headers=headers, timeout_s=timeout_s) as response:
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@contextmanager
def open_request(
    base: str,
    method: str,
    path: str,
    *,
    data: bytes | None,
    headers: dict[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Iterator[http.client.HTTPResponse]:
    """Send one request; leaving the context closes the connection, whatever was read."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=timeout_s)
    try:
        connection.request(method, path, body=data, headers={"content-type": "application/json", **(headers or {})})
        with closing(connection.getresponse()) as response:
            yield response
    finally:
        connection.close()


@contextmanager
def leaving_stream(base: str, *, key: str, prompt: str) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of `/v1/messages`; leaving the context hangs up."""
    data = json.dumps(messages_body(prompt, stream=True)).encode()
    with open_request(base, "POST", "/v1/messages", data=data, headers={"x-api-key": key}) as response:
        yield response


def messages_body(prompt: str, **fields: Any) -> dict[str, Any]:
    """Return a body of `/v1/messages`."""
    defaults = {"model": "claude-haiku-5-5", "max_tokens": 5000, "messages": [{"role": "user", "content": prompt}]}
    return {**defaults, **fields}


def record_of(answer: Answer) -> UsageRecord:
    """Return the ledger's record of an answer."""
    return UsageRecord.objects.get(request_id=answer.headers["request-id"])


def wait_until(condition: Callable[[], Any], *, timeout_s: float = 10.0) -> Any:
    """Wait until `condition` is true, and return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return result
