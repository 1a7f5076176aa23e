"""Waiting for events in other processes, instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_EVERY_S = 0.2


def until(look: Callable[[], T | None], *, within_s: float, why: str) -> T:
    """Return the first truthy value of `look`, called again and again. Raises AssertionError after `within_s`."""
    gives_up_at = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < gives_up_at, f"waited {within_s:.0f} s: {why}; last seen: {seen!r}"
        time.sleep(LOOK_EVERY_S)
    return seen


def becomes(look: Callable[[], T], expected: T, *, within_s: float) -> None:
    """Wait until `look` returns the expected value. Raises AssertionError, with the last value, after `within_s`."""
    gives_up_at = time.monotonic() + within_s
    while (seen := look()) != expected and time.monotonic() < gives_up_at:
        time.sleep(LOOK_EVERY_S)
    assert seen == expected, f"after {within_s:.0f} s"


def stays(look: Callable[[], T], *, for_s: float) -> T:
    """Return the value of `look`, which must stay the same for a while. Raises AssertionError where it changes."""
    first = look()
    ends_at = time.monotonic() + for_s
    while time.monotonic() < ends_at:
        time.sleep(LOOK_EVERY_S)
        assert look() == first
    return first
