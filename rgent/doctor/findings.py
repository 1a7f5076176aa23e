"""The doctor's findings."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with one thing. Only what is wrong keeps customers from being served, or bills from being right."""

    GOOD = "good"
    LOOK = "look"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, how it stands, and what to do where that is not good."""

    subject: str
    state: State
    words: str


def good(subject: str, words: str) -> Finding:
    """Return that all is well."""
    return Finding(subject, State.GOOD, words)


def look(subject: str, words: str) -> Finding:
    """Return what a person should look at."""
    return Finding(subject, State.LOOK, words)


def wrong(subject: str, words: str) -> Finding:
    """Return what has to be mended."""
    return Finding(subject, State.WRONG, words)
