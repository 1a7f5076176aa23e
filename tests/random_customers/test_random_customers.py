"""Every figure of random customers is that of the proof's own arithmetic: page = CSV = API = invoice, to the cent.

`python -m tests.random_customers` runs more of them, or a seed again.
"""

import os
import time

import pytest
from stripe import HTTPClient

from tests.random_customers.actor import show
from tests.random_customers.running import Outcome, Setting, all_stories, run, shrink

# One with a short story of switches and two subscriptions, since a run of all tests has some seconds for it.
CUSTOMERS = int(os.environ.get("RANDOM_CUSTOMERS") or 1)
SEED = os.environ.get("RANDOM_SEED") or "6407"
MONTHS = int(os.environ.get("RANDOM_MONTHS") or 2)
# One customer alone, by number.
ONLY = os.environ.get("RANDOM_ONLY") or ""
MOST_IN_A_WORLD = 15
# Floors against a run in which nothing happens.
SERVED_AT_LEAST = 0.6
IN_FLIGHT_AT_LEAST = 0.8
SHRINK_FOR_S = 120.0


def worlds() -> list[tuple[str, int]]:
    """Return the seed and the number of customers of each world. A single one has the seed itself."""
    sizes = [min(MOST_IN_A_WORLD, CUSTOMERS - begin) for begin in range(0, CUSTOMERS, MOST_IN_A_WORLD)]
    return [(SEED if len(sizes) == 1 else f"{SEED}.{place}", size) for place, size in enumerate(sizes)]


@pytest.fixture
def no_pauses(monkeypatch):
    """Let the SDK try again at once."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(HTTPClient, "MAX_DELAY", 0.001)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("seed", "count"), worlds())
def test_each_figure_is_that_of_its_own_arithmetic(api, sandbox, stripe, seed, count):
    setting = Setting(sandbox=sandbox, stripe=stripe, api=api)
    customers, days = all_stories(seed, count=count, months=MONTHS)
    customers = {index: story for index, story in customers.items() if ONLY in ("", str(index))}
    begun_at = time.monotonic()

    outcome = run(setting, seed=seed, customers=customers, days=days)

    print(f"\nseed {seed}: {outcome}, {time.monotonic() - begun_at:.0f} s")
    if outcome.wrong:
        pytest.fail(failure(outcome, setting, seed=seed, count=count), pytrace=False)
    assert outcome.served >= SERVED_AT_LEAST
    assert outcome.in_flight >= IN_FLIGHT_AT_LEAST


def failure(outcome: Outcome, setting: Setting, *, seed: str, count: int) -> str:
    """Tell what is wrong, how to see it again, and the shortest story of one customer in which it is wrong."""
    told = [f"python -m tests.random_customers --seed {seed} --customers {count} --months {MONTHS}"]
    told += [f"{name}: {each}" for name, wrong in outcome.wrong.items() for each in wrong]
    told += [told for name, told in outcome.books.items() if name in outcome.wrong]
    told += [show(actor) for actor in outcome.actors if actor.name in outcome.wrong]
    first = next((actor.index for actor in outcome.actors if actor.name in outcome.wrong), None)
    if first is None or os.environ.get("RANDOM_AS_IT_IS"):
        return "\n".join(told)
    customers, days = all_stories(seed, count=count, months=MONTHS)
    left, wrong = shrink(setting, seed=seed, index=first, story=customers[first], days=days, within_s=SHRINK_FOR_S)
    told.append(f"customer {first} alone:" if left else f"customer {first} alone: nothing is wrong")
    told += [f"  {act} (day {days[act.moment]:.3f})" for act in left] + [f"  {each}" for each in wrong]
    return "\n".join(told)
