"""Billing time: the one place that reads it. Everything below is passed `now`.

In the sandbox mode it is the sandbox's clock, which a person or a test can move ("a month later"); elsewhere it
is the system's. All that is billed, and the keys that it was called with, are dated by it. Deadlines and leases, which
guard running processes, use wall time instead.
"""

import http.client
import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

logger = logging.getLogger(__name__)

TIMEOUT_S = 2.0


def now() -> datetime:
    """Return the billing time, in UTC."""
    if not settings.BILLING_CLOCK_URL:
        return datetime.now(UTC)
    return datetime.now(UTC) + _remote.offset(url=settings.BILLING_CLOCK_URL)


def last_known() -> datetime:
    """Return the billing time by the last answer in this process, for code on the event loop, which cannot ask.

    It is as close as the last question: the keys' memory asks once a second while requests come.
    """
    return datetime.now(UTC) + (_remote.last_known[0] if settings.BILLING_CLOCK_URL else timedelta(0))


class _Connection(http.client.HTTPConnection):
    """A connection that is closed when its thread ends."""

    def __del__(self) -> None:
        self.close()


class _RemoteClock(threading.local):
    """Asks the sandbox how far its clock stands from wall time, over one connection a thread."""

    # Shared by all threads: the last answer serves while the sandbox cannot be reached.
    last_known: list[timedelta] = [timedelta(0)]

    def __init__(self) -> None:
        self._connection: _Connection | None = None

    def offset(self, *, url: str) -> timedelta:
        """Return sandbox time minus wall time."""
        for _ in range(2):  # a connection kept alive may have been closed by the other side
            try:
                self.last_known[0] = timedelta(seconds=float(self._ask(url)["offset_s"]))
                break
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self._connection = None
                logger.debug("the sandbox's clock did not answer", extra={"error": str(error)})
        return self.last_known[0]

    def _ask(self, url: str) -> dict[str, float]:
        parts = urlsplit(url)
        if self._connection is None:
            self._connection = _Connection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._connection.request("GET", parts.path)
        answer: dict[str, float] = json.loads(self._connection.getresponse().read())
        return answer


_remote = _RemoteClock()
