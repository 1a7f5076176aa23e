"""Stories: what a customer does, drawn from a seed. Nothing here runs anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

PLANS = ("pro_haiku", "pro_sonnet")
DAYS = 92
LAST_ARRIVAL = 25
# What a subscriber does next, and how often. A switch is what most reports of lost usage are about.
LIFE = {
    "calls": 40,
    "switch": 16,
    "cancel_now": 6,
    "cancel_later": 7,
    "resume": 5,
    "card_fails": 4,
    "card_mended": 3,
    "dashboard_cancel": 3,
    "dashboard_end": 3,
    "dashboard_pause": 1,
}
OF_A_FORMER_SUBSCRIBER = {"calls": 3, "subscribe": 7}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a customer does, at one of the world's moments."""

    moment: int
    kind: str
    plan: str = ""
    by_checkout: bool = False

    def __str__(self) -> str:
        details = f" {self.plan}{' by Checkout' if self.by_checkout else ''}" if self.plan else ""
        return f"moment {self.moment}: {self.kind}{details}"


def moments(seed: str, *, count: int = 60) -> list[float]:
    """Return the world's moments, in days since its beginning: uneven steps, from minutes to a week."""
    chance = Random(f"{seed}/moments")
    steps = [chance.expovariate(1) + 0.02 for _ in range(count)]
    for _ in range(count // 30):
        steps[chance.randrange(count)] += 6
    total, day = sum(steps), 0.0
    found = []
    for step in steps:
        day += step * DAYS / total
        found.append(day)
    return found


def story(seed: str, *, customer: int, days: Sequence[float]) -> list[Act]:
    """Return the acts of one customer, in order. `days` are the world's moments."""
    chance = Random(f"{seed}/{customer}/story")
    arrival = chance.uniform(0, LAST_ARRIVAL)
    first = next(moment for moment, day in enumerate(days) if day >= arrival)
    return list(_acts(chance, first=first, last=len(days) - 1))


def _acts(chance: Random, *, first: int, last: int) -> Iterator[Act]:
    moment = first
    for _ in range(chance.choice([0, 1, 1])):
        yield Act(moment, "calls")
        moment += chance.randint(0, 2)
    kind = "subscribe"
    while moment <= last:
        plan = chance.choice(PLANS) if kind == "subscribe" else ""
        yield Act(moment, kind, plan=plan, by_checkout=bool(plan) and chance.random() < 0.5)
        ended = kind in ("cancel_now", "dashboard_cancel")
        kinds = OF_A_FORMER_SUBSCRIBER if ended else LIFE
        kind = chance.choices(list(kinds), weights=list(kinds.values()))[0]
        moment += int(chance.expovariate(1 / 2.5))
