"""A TCP proxy in a thread, in front of a server that shall seem to be away or far: refused, hung, dropped, delayed."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65536


class TcpProxy:
    """Listens on a port of its own and passes bytes on both ways, unless it is told otherwise."""

    def __init__(self, *, host: str, port: int) -> None:
        self._target = (host, port)
        self._passing = threading.Event()
        self._passing.set()
        self._answering = threading.Event()
        self._answering.set()
        self._delay_s = 0.0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = _listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._accept_from(self._listener)

    def refuse(self) -> None:
        """Refuse connections, and drop those that are open."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def hang(self) -> None:
        """Accept connections and bytes, and pass nothing on, as a server that hangs."""
        self._passing.clear()

    def half_open(self) -> None:
        """Pass on what clients send, and none of the answers."""
        self._answering.clear()

    def delay(self, seconds: float) -> None:
        """Pass each piece on so much later."""
        self._delay_s = seconds

    def drop(self) -> None:
        """Drop all open connections."""
        with self._lock:
            dropped, self._open = self._open, set()
        for each in dropped:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        """Pass everything on again, at once."""
        self._passing.set()
        self._answering.set()
        self._delay_s = 0.0
        if self._listener.fileno() < 0:
            self._listener = _listen(self.port)
            self._accept_from(self._listener)

    def close(self) -> None:
        """Stop the proxy."""
        self._passing.set()
        self._answering.set()
        self.refuse()

    def _accept_from(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        for source, target, gates in (
            (client, server, [self._passing]),
            (server, client, [self._passing, self._answering]),
        ):
            threading.Thread(target=self._pump, args=(source, target, gates), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, gates: "list[threading.Event]") -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                for gate in gates:
                    gate.wait()
                if self._delay_s:
                    time.sleep(self._delay_s)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        with self._lock:
            self._open.discard(source)
        source.close()


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=1000)


@contextmanager
def tcp_proxy(*, host: str, port: int) -> Iterator[TcpProxy]:
    """Run a proxy for the length of a block."""
    proxy = TcpProxy(host=host, port=port)
    try:
        yield proxy
    finally:
        proxy.close()
