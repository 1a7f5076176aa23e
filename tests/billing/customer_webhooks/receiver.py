"""A customer's system: a server that keeps what it is sent, and answers as it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server. `answer` is called for each request, in a thread of its own."""

    url: str
    answer: Callable[[Any], None]
    received: list[Received] = field(default_factory=list)


def answer_with(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    """Return an answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def answer_late(seconds: float) -> Callable[[Any], None]:
    """Return an answer that comes late."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        answer_with(200)(handler)

    return answer


@contextmanager
def receiver(answer: Callable[[Any], None] | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append(Received(path=self.path, headers=headers, body=body))
            kept.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Receiver(url=f"http://127.0.0.1:{server.server_port}/hook", answer=answer or answer_with(200))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
