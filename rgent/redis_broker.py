"""Production's broker: Kombu's Redis transport, mended so that a worker with tasks in hand outlives a restart of Redis.

In Kombu 5.7 a channel outlives its connection: late acknowledgements and the restoring of messages ask it for a new
client, and it raises an AttributeError, which ends the worker. A connection error is what Celery expects there; it
logs that and goes on. The messages need no rescue: rows say what is due, and beat asks again within seconds.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as BrokerGone


class Channel(redis.Channel):
    """Says that its connection is gone in the words that Celery knows."""

    def _connparams(self, *args: Any, **kwargs: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise BrokerGone("this channel's connection to the broker is closed")
        return super()._connparams(*args, **kwargs)  # type: ignore[misc]  # the stubs leave it out


class Transport(redis.Transport):
    """The transport behind `redis://` and `rediss://`."""

    Channel = Channel


def register() -> None:
    """Use this transport for every Redis."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
