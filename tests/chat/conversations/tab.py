"""A browser's tab at the chat page, without its script: pages and forms over HTTP, and the stream of an answer."""

import http.client
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Message
from tests.chat.http import Answer, open_request, send
from tests.factories import HAIKU
from tests.flows.waiting import until

TOKEN = "t" * 32
ANSWERED_WITHIN_S = 15.0


@dataclass
class Tab:
    """One person's tab."""

    base: str
    person: User
    session: str = field(init=False)

    def __post_init__(self) -> None:
        browser = Client()
        browser.force_login(self.person)
        self.session = browser.cookies[settings.SESSION_COOKIE_NAME].value

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a browser that is signed in."""
        return {"cookie": f"{settings.SESSION_COOKIE_NAME}={self.session}; csrftoken={TOKEN}", "accept": "text/html"}

    def open(self, path: str) -> Answer:
        """Open a page."""
        return send(self.base, "GET", path, headers=self.headers)

    def post(self, path: str, **fields: Any) -> Answer:
        """Send a form, and stay."""
        body = urlencode({"csrfmiddlewaretoken": TOKEN, **fields}).encode()
        headers = {**self.headers, "content-type": "application/x-www-form-urlencoded"}
        return send(self.base, "POST", path, raw=body, headers=headers)

    def post_file(self, path: str, *, name: str, data: bytes, **fields: Any) -> Answer:
        """Send a form with one file."""
        parts = [_part(each, str(value).encode()) for each, value in {"csrfmiddlewaretoken": TOKEN, **fields}.items()]
        body = b"".join([*parts, _part("files", data, filename=name)]) + b"--cut--\r\n"
        headers = {**self.headers, "content-type": "multipart/form-data; boundary=cut"}
        return send(self.base, "POST", path, raw=body, headers=headers)

    def ask(self, text: str, *, conversation: Conversation | None = None, **fields: Any) -> Message:
        """Ask a question at the end of a conversation, or in a new one; return the answer as it is being written."""
        parent = conversation.current_id if conversation else ""
        asked = {"text": text, "model": HAIKU, "parent": parent or "", "nonce": uuid.uuid4().hex[:16], **fields}
        path = f"/app/chat/{conversation.id}/send" if conversation else "/app/chat/send"
        answer = self.post(path, **asked)
        assert answer.status == 302, answer.body[-3000:]
        return self.newest(answer)

    def newest(self, answer: Answer) -> Message:
        """Return the answer that is shown where a form led."""
        found = re.fullmatch(r"/app/chat/(\d+)/", answer.headers["location"])
        assert found, answer.headers
        current = Conversation.objects.get(id=int(found[1])).current
        assert current is not None
        return current

    @contextmanager
    def follow(self, answer: Message, *, after: str = "") -> Iterator[Iterator[tuple[str, str, dict[str, str]]]]:
        """Follow an answer: its events, each an id, a name and its data."""
        path = f"/app/chat/{answer.conversation_id}/live/{answer.id}"
        headers = {**self.headers, **({"last-event-id": after} if after else {})}
        with open_request(self.base, "GET", path, data=None, headers=headers) as response:
            yield _events(response)


def is_over(answer: Message) -> Message:
    """Wait for the end of an answer, and return it as it ended."""

    def look() -> bool:
        answer.refresh_from_db()
        return answer.state != Message.State.WRITING

    until(look, within_s=ANSWERED_WITHIN_S, why="the answer did not end")
    return answer


def _events(response: http.client.HTTPResponse) -> Iterator[tuple[str, str, dict[str, str]]]:
    event: dict[str, str] = {}
    for raw in response:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif "event" in event:
            yield event.get("id", ""), event["event"], json.loads(event["data"])
            event = {}


def _part(name: str, data: bytes, *, filename: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    return f'--cut\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"


def path_of(location: str) -> str:
    """Return the path of an address."""
    return urlsplit(location).path
