"""Figures of all web processes of one machine: each writes its own to a file, and any of them reads all.

The counts of a dead process stay counted, since a counter that falls looks like a restart of everything; what it had
under way does not. uvicorn's workers share a folder that is named by their parent.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from common import figures
from common.figures import Key


@dataclass(slots=True)
class Figures:
    """Counts, times, usage and what is under way, as `common.figures` keeps them, of one process or of several."""

    counts: dict[Key, int] = field(default_factory=dict)
    times: dict[Key, list[float]] = field(default_factory=dict)
    usage: dict[str, tuple[list[int], Decimal]] = field(default_factory=dict)
    under_way: dict[str, int] = field(default_factory=dict)

    @classmethod
    def own(cls) -> Self:
        """Return this process's."""
        return cls(figures.counts, figures.times, figures.usage, figures.under_way)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `written` wrote."""
        data: Mapping[str, Any] = json.loads(text)
        return cls(
            counts={(name, tuple(labels)): number for name, labels, number in data["counts"]},
            times={(name, tuple(labels)): parts for name, labels, parts in data["times"]},
            usage={model: (tokens, Decimal(cost)) for model, tokens, cost in data["usage"]},
            under_way=data["under_way"],
        )

    def written(self) -> str:
        """Return all of it as text."""
        return json.dumps(
            {
                "counts": [[*key, number] for key, number in self.counts.items()],
                "times": [[*key, parts] for key, parts in self.times.items()],
                "usage": [[model, tokens, str(cost)] for model, (tokens, cost) in self.usage.items()],
                "under_way": self.under_way,
            }
        )

    def add(self, other: "Figures") -> None:
        """Add another process's."""
        for key, number in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + number
        for key, parts in other.times.items():
            self.times[key] = _sum(self.times.get(key), parts)
        for model, (tokens, cost) in other.usage.items():
            known, cost_before = self.usage.get(model, ([0] * len(tokens), Decimal(0)))
            self.usage[model] = [a + b for a, b in zip(known, tokens, strict=True)], cost_before + cost
        for name, number in other.under_way.items():
            self.under_way[name] = self.under_way.get(name, 0) + number


def write_own() -> None:
    """Write this process's figures where the others find them."""
    own = _folder() / str(os.getpid())
    half = own.with_suffix(".new")
    half.write_text(Figures.own().written())
    half.replace(own)


def of_all_processes() -> Figures:
    """Return the sum of what all processes of this server have counted."""
    total = Figures()
    total.add(Figures.own())
    for process_id, other in _others():
        if not _is_alive(process_id):
            other.under_way = {}
        total.add(other)
    return total


def forget_other_servers() -> None:
    """Remove what servers that have ended left behind."""
    for folder in _folder().parent.iterdir():
        if folder.name.isdigit() and not _is_alive(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def _others() -> Iterator[tuple[int, Figures]]:
    for file in _folder().iterdir():
        if file.name.isdigit() and int(file.name) != os.getpid():
            yield int(file.name), Figures.read(file.read_text())


def _folder() -> Path:
    folder = Path(settings.VAR_DIR) / "figures" / str(os.getppid())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sum(known: list[float] | None, parts: list[float]) -> list[float]:
    return list(parts) if known is None else [a + b for a, b in zip(known, parts, strict=True)]
