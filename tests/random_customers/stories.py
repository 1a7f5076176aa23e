"""Stories: what a customer does, drawn from a seed. Nothing here runs anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

# Half of the customers have plans metered by spend; some switch between the two ways of metering.
PLANS = (
    ("pro_haiku", "pro_sonnet"),
    ("team_haiku", "team_sonnet"),
    ("pro_haiku", "pro_sonnet"),
    ("pro_haiku", "team_sonnet"),
)
DAYS_A_MONTH = 30.7
MOMENTS_A_MONTH = 20
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


def moments(seed: str, *, months: int) -> list[float]:
    """Return the world's moments, in days since its beginning: uneven steps, from minutes to a week."""
    chance, count = Random(f"{seed}/moments"), months * MOMENTS_A_MONTH
    steps = [chance.expovariate(1) + 0.02 for _ in range(count)]
    for _ in range(count // 30):
        steps[chance.randrange(count)] += 6
    total, day = sum(steps), 0.0
    found = []
    for step in steps:
        day += step * months * DAYS_A_MONTH / total
        found.append(day)
    return found


def story(seed: str, *, customer: int, days: Sequence[float]) -> list[Act]:
    """Return the acts of one customer, in order. `days` are the world's moments."""
    chance = Random(f"{seed}/{customer}/story")
    arrival = chance.uniform(0, LAST_ARRIVAL)
    first = next(moment for moment, day in enumerate(days) if day >= arrival)
    return list(_acts(chance, plans=plans_of(customer), first=first, last=len(days) - 1))


def plans_of(customer: int) -> tuple[str, str]:
    """Return the plans that a customer subscribes to and switches between."""
    return PLANS[customer % len(PLANS)]


def _acts(chance: Random, *, plans: tuple[str, str], first: int, last: int) -> Iterator[Act]:
    moment = first
    for _ in range(chance.choice([0, 1, 1])):
        yield Act(moment, "calls")
        moment += chance.randint(0, 2)
    kind = "subscribe"
    while moment <= last:
        plan = chance.choice(plans) if kind == "subscribe" else ""
        yield Act(moment, kind, plan=plan, by_checkout=bool(plan) and chance.random() < 0.5)
        ended = kind in ("cancel_now", "dashboard_cancel")
        kinds = OF_A_FORMER_SUBSCRIBER if ended else LIFE
        kind = chance.choices(list(kinds), weights=list(kinds.values()))[0]
        moment += int(chance.expovariate(1 / 2.5))
