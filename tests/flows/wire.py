"""HTTP as tests speak it: every status is an answer, and nothing is raised for a 4xx."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """An answer. `url` is where it came from after redirects."""

    status: int
    headers: Message
    body: bytes = field(repr=False)
    url: str

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class StayHere(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the caller."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""
        return


def send(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    opener: urllib.request.OpenerDirector | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send one request and return the answer, whatever its status. Raises OSError where there is none."""
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))
    opener = opener or urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        response = opener.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return Answer(status=response.status, headers=response.headers, body=response.read(), url=response.url)


def send_json(
    method: str, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S
) -> Answer:
    """Send JSON, or no body, and return the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **(headers or {})}
    return send(method, url, body=data, headers=headers, timeout_s=timeout_s)


def answers(url: str) -> bool:
    """Tell whether a server answers 200 there."""
    try:
        return send("GET", url, timeout_s=5).status == 200
    except OSError:
        return False
