"""Auditing: looking for rows that break an invariant, all as of one moment, beside requests and workers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from billing.invariants.breach import Breach, Invariant
from billing.invariants.catalogue import INVARIANTS
from billing.reconciliation.figures import one_moment

# Of one invariant: a fault in a rule may break it for every row.
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that was looked at, and the first rows that break it. `more` tells that there are others."""

    invariant: Invariant
    breaches: list[Breach] = field(default_factory=list)
    more: bool = False


def chosen(*, thorough: bool, at_rest: bool, names: Iterable[str] = ()) -> list[Invariant]:
    """Return the invariants to look at: those named, or all, less those that read every record or need rest."""
    wanted = set(names)
    if wanted:
        return [each for each in INVARIANTS if each.name in wanted]
    return [each for each in INVARIANTS if (thorough or not each.reads_all) and (at_rest or not each.at_rest)]


def audit(invariants: Iterable[Invariant]) -> Iterator[Finding]:
    """Look at each invariant, and yield what was found. Writes nothing, and holds no lock."""
    with one_moment():
        for each in invariants:
            breaches = list(islice(each.breaches(), MOST_TOLD + 1))
            yield Finding(each, breaches[:MOST_TOLD], more=len(breaches) > MOST_TOLD)
