"""Settings that `/_sandbox/settings` changes while the sandbox runs. Each has a name, a default and a rule for its
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.clock import DAY_S
from sandbox.store import Store
from sandbox.stripe_api.billing import collection
from sandbox.stripe_api.metering import usage
from sandbox.stripe_api.payments import payments
from sandbox.stripe_api.protocol.meter_traffic import BUSY_MS


class InvalidSetting(ValueError):
    """There is no such setting, or it has no such value; the message lists what there is."""


@dataclass(frozen=True)
class WholeNumber:
    """A setting that is a whole number from 0 to `most`."""

    most: int
    default: int = 0

    def allows(self, value: Any) -> bool:
        """Tell whether the setting may have this value."""
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= self.most

    def __str__(self) -> str:
        return f"0 to {self.most}"


@dataclass(frozen=True)
class OneOf:
    """A setting that is one of some words; the first is its default."""

    words: tuple[str, ...]

    @property
    def default(self) -> str:
        """Return the first word."""
        return self.words[0]

    def allows(self, value: Any) -> bool:
        """Tell whether the setting may have this value."""
        return value in self.words

    def __str__(self) -> str:
        return ", ".join(self.words)


SETTINGS: dict[str, WholeNumber | OneOf] = {
    # The number of next attempts to pay that are declined, whatever the card.
    payments.DECLINE_NEXT: WholeNumber(1_000),
    # The fate of a subscription whose last retry failed.
    collection.WHEN_RETRIES_END: OneOf(collection.ENDINGS),
    # Summaries and previews leave out the meter events of that many last seconds.
    usage.SUMMARY_LAG: WholeNumber(DAY_S),
    # A meter event keeps its customer and meter busy for that long; another one meanwhile is a 429.
    BUSY_MS: WholeNumber(10_000),
}


def read(store: Store) -> dict[str, Any]:
    """Return every setting with its value."""
    stored = {name: store.setting(name) for name in SETTINGS}
    return {name: SETTINGS[name].default if value is None else value for name, value in stored.items()}


def change(store: Store, wanted: dict[str, Any]) -> dict[str, Any]:
    """Change some settings, and return all. Raises InvalidSetting, and then changes nothing."""
    for name, value in wanted.items():
        if name not in SETTINGS or not SETTINGS[name].allows(value):
            known = "; ".join(f"`{name}` ({rule})" for name, rule in SETTINGS.items())
            raise InvalidSetting(f"The settings are {known}.")
    for name, value in wanted.items():
        store.set_setting(name, value)
    return read(store)
