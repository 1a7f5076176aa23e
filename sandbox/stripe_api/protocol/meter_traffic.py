"""The limit of one call at a time for each customer and meter: Stripe answers others with 429
(https://docs.stripe.com/billing/subscriptions/usage-based/recording-usage-api, "Rate limits").

The sandbox answers within a millisecond, so two calls never meet by themselves. With the setting `meter_event_takes_ms`
a call keeps its customer and meter busy for that long.
"""

from __future__ import annotations

import time

from sandbox.store import Store
from sandbox.stripe_api.protocol.errors import RateLimited
from sandbox.stripe_api.protocol.params import Params

GUARDED_PATH = "/v1/billing/meter_events"
BUSY_MS = "meter_event_takes_ms"


class MeterTraffic:
    """The customers and meters that are busy, and until when. In memory only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._busy_until: dict[tuple[str, str], float] = {}

    def occupy(self, event: Params) -> float:
        """Keep the event's customer and meter busy, and return for how many seconds.

        Raises RateLimited while another call keeps them busy.
        """
        takes_s = int(self._store.setting(BUSY_MS) or 0) / 1000
        if takes_s == 0:
            return 0.0
        place = (event["event_name"], event["payload"].get("stripe_customer_id", ""))
        now = time.monotonic()
        self._busy_until = {place: until for place, until in self._busy_until.items() if until > now}
        if place in self._busy_until:
            raise RateLimited(
                "This meter is already processing an event of this customer. Send one event at a time for each "
                "customer and meter.",
                code="lock_timeout",
            )
        self._busy_until[place] = now + takes_s
        return takes_s
