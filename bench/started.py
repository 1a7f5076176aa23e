"""Starts everything of a run, on its cores and servers and in order."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import backing, subjects
from bench.books import read_books
from bench.measuring import served_by
from bench.subjects import Place, Subject

NAMES = ("rgent", "rgent x2", "LiteLLM", "floor", "ceiling")


class TooFewCores(Exception):
    """A subject and the load need a core each."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of a run: a subject has one to itself, `rgent x2` has two."""

    subject: set[int]
    two_workers: set[int]
    load: set[int]
    backing: set[int]

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """Share out the cores this process may use. Raises TooFewCores."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise TooFewCores("A subject and the load need a core each; this machine has one.")
        load = cores[2] if len(cores) > 2 else cores[1]
        return cls(
            subject={cores[0]}, two_workers=set(cores[:2]), load={load}, backing={cores[3] if len(cores) > 3 else load}
        )

    @property
    def load_is_alone(self) -> bool:
        """Tell whether the load has a core of its own beside two workers."""
        return not self.load & self.two_workers

    def __str__(self) -> str:
        return (
            f"subjects on core {self.subject}, x2 on {self.two_workers}, load and fake Claude on {self.load}, "
            f"PostgreSQL and Redis, where they are the run's own, on {self.backing}"
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """The running servers: the fake Claude, the subjects, and rgent's databases by subject name."""

    claude: Subject
    subjects: Sequence[Subject]
    databases: dict[str, str]
    durability: str

    def wrong(self) -> list[str]:
        """Compare rgent's books with the fake Claude's counts and return the differences."""
        found = []
        for name, url in self.databases.items():
            served = served_by(self.claude)[name]
            calls = served["plain"] + served["streams"] + served["aborted"]
            found += [f"{name}: {what}" for what in read_books(url).errors(calls=calls, tokens=served["output_tokens"])]
        return found


@contextmanager
def started(*, names: Sequence[str], customers: int, folder: Path, cores: Cores) -> Iterator[Bench]:
    """Start everything, and stop it at the end of the block."""
    with ExitStack() as stack:
        claude = stack.enter_context(subjects.fake_claude(cores=cores.load, folder=folder))
        postgres = stack.enter_context(backing.postgres(cores=cores.backing))
        redis_url = stack.enter_context(backing.redis(cores=cores.backing, log=folder / "redis.log"))
        databases = {
            name: stack.enter_context(backing.database(postgres)) for name in names if name.startswith("rgent")
        }

        def rgent(name: str, workers: int, on: set[int]) -> AbstractContextManager[Subject]:
            return subjects.rgent(
                place=Place(cores=on, claude_port=claude.server.port, folder=folder),
                database_url=databases[name],
                redis_url=redis_url,
                customers=customers,
                workers=workers,
                name=name,
            )

        place = Place(cores=cores.subject, claude_port=claude.server.port, folder=folder)
        starters: dict[str, Callable[[], AbstractContextManager[Subject]]] = {
            "rgent": lambda: rgent("rgent", 1, cores.subject),
            "rgent x2": lambda: rgent("rgent x2", 2, cores.two_workers),
            "LiteLLM": lambda: subjects.litellm(place=place, installed=subjects.install_litellm(folder=folder)),
            "floor": lambda: subjects.floor(place=place),
        }
        running = [stack.enter_context(start()) for name, start in starters.items() if name in names]
        if "ceiling" in names:
            running.append(claude)
        yield Bench(claude=claude, subjects=running, databases=databases, durability=backing.durability(postgres))
