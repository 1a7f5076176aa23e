"""An invariant, and a row that breaks it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A row that breaks an invariant: its name, and the figures that show it."""

    row: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A sentence that is true of the database at every moment; with `at_rest`, whenever nothing is under way.

    `reads_all` tells that it reads every usage record, which takes seconds for each million.
    """

    name: str
    promise: str
    breaches: Callable[[], Iterator[Breach]]
    reads_all: bool = False
    at_rest: bool = False
