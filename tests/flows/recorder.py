"""A server that keeps each request it gets, and answers "not now" to all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    """A request that came in. `target` is its path, or, of a proxy, the host and port to be connected with."""

    method: str
    target: str
    headers: dict[str, str]


class Recorder(ThreadingHTTPServer):
    """Serves as a vendor, and as a proxy that connects nobody."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[Call] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def _record(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.calls.append(Call(method=self.command, target=self.path, headers=headers))
        self.rfile.read(int(headers.get("content-length", 0)))
        self.send_response(503)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_CONNECT = _record  # noqa: N815 - the base class's names

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def recording() -> Iterator[Recorder]:
    """Serve until the end of the block."""
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever, daemon=True)
        thread.start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
            thread.join()
