"""uvicorn's HTTP protocol, with a limit to how long and how large the head of a request may be.

Given to uvicorn as `--http rgent.http_protocol:BoundedHeadProtocol`. On its own it waits for the end of a head for
ever, and keeps whatever comes.
"""

import asyncio

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024


class BoundedHeadProtocol(HttpToolsProtocol):
    """Closes connections whose next request does not have a whole head within API_HEAD_LIMIT_S and HEAD_LIMIT_BYTES."""

    _head_due: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, of a head or of a body."""
        if self._in_head:
            self._head_bytes += len(data)
            self._expect_head()  # also of line ends before a request, which begin none
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Take in the first bytes of a request."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take in the end of a request."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _expect_head(self) -> None:
        self._in_head = True
        if self._head_due is None:
            self._head_due = self.loop.call_later(settings.API_HEAD_LIMIT_S, self._head_is_late)

    def _head_is_there(self) -> None:
        self._in_head = False
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _head_is_late(self) -> None:
        self._head_due = None
        if not self.transport.is_closing():
            self.transport.close()
