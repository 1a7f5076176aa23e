"""Running a world of random customers to its end, and finding the one customer, and the few acts, that fail."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.core.management import call_command
from stripe import StripeClient

from billing.plans.publishing import publish_plans
from tests.random_customers import stories
from tests.random_customers.actor import Actor
from tests.random_customers.looks import Look
from tests.random_customers.plans import make_plans_by_spend
from tests.random_customers.stories import Act
from tests.random_customers.webhooks import Webhooks
from tests.random_customers.world import World
from tests.servers import SandboxServer

# After the last moment every customer's period ends once more, and its invoice is final.
AFTERWARDS = timedelta(days=33)
# An invoice that is made last of all is final by then.
FINALIZED_WITHIN = timedelta(hours=3)
LEAP_WITH = 0.03


@dataclass(frozen=True, slots=True)
class Setting:
    """The servers that a world runs on."""

    sandbox: SandboxServer
    stripe: StripeClient
    api: str


@dataclass
class Outcome:
    """The end of a world: its customers, and what is wrong with each, by name."""

    actors: list[Actor]
    wrong: dict[str, list[str]] = field(default_factory=dict)
    books: dict[str, str] = field(default_factory=dict)
    fates: Mapping[str, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Return how many calls were made."""
        return sum(len(actor.calls) for actor in self.actors)

    @property
    def served(self) -> float:
        """Return the share of calls that were served."""
        return sum(call.is_served for actor in self.actors for call in actor.calls) / max(self.calls, 1)

    @property
    def changes(self) -> list[tuple[str, int]]:
        """Return every change of terms, with the number of calls that were in flight over it."""
        return [change for actor in self.actors for change in actor.changes]

    @property
    def in_flight(self) -> float:
        """Return the share of changes over which a call was in flight."""
        return sum(count > 0 for _, count in self.changes) / max(len(self.changes), 1)

    def __str__(self) -> str:
        kinds = sorted({name for name, _ in self.changes})
        told = ", ".join(f"{sum(name == kind for name, _ in self.changes)} x {kind}" for kind in kinds)
        return (
            f"{len(self.actors)} customers, {self.calls} calls, {self.served:.0%} served; {len(self.changes)} changes "
            f"({told}), {self.in_flight:.0%} with a call in flight; webhooks: {dict(self.fates)}"
        )


def run(setting: Setting, *, seed: str, customers: Mapping[int, Sequence[Act]], days: Sequence[float]) -> Outcome:
    """Let customers act their stories out, and compare all their figures. `days` are the world's moments."""
    setting.sandbox.reset()
    setting.sandbox.advance(f"{Random(f'{seed}/date').randint(1, 90)} days")
    make_plans_by_spend()
    publish_plans()
    world = World(
        seed=seed, sandbox=setting.sandbox, stripe=setting.stripe, webhooks=Webhooks(seed=seed, sandbox=setting.sandbox)
    )
    begins_at = world.now()
    for moment, day in enumerate(days):
        acts = [(index, act) for index, story in customers.items() for act in story if act.moment == moment]
        if acts:
            _move(world, begins_at + timedelta(days=day), moment=moment)
            _act(world, setting, acts, moment=moment)
    world.end_faults()
    world.move_to(max(world.now(), begins_at + timedelta(days=days[-1])) + AFTERWARDS)
    world.live()
    world.move_to(world.now() + FINALIZED_WITHIN)
    for _ in range(3):
        world.live()
    return _compare(world)


def _move(world: World, target: datetime, *, moment: int) -> None:
    leaps = Random(f"{world.seed}/{moment}/leap").random() < LEAP_WITH and world.meters_refuse_until is None
    if leaps and target > world.now():
        world.leap_to(target)
    world.move_to(target)


def _act(world: World, setting: Setting, acts: Sequence[tuple[int, Act]], *, moment: int) -> None:
    with world.trouble_at(moment):
        for index, act in acts:
            known = [actor for actor in world.inhabitants if actor.index == index]
            if not known:
                known = [Actor.arrive(world, index=index, api=setting.api)]
                world.inhabitants += known
            known[0].act(act)
        world.live()


def _compare(world: World) -> Outcome:
    outcome = Outcome(actors=world.inhabitants, fates=world.webhooks.fates)
    rows = _ledger(world.sandbox)
    served = {row["message_id"]: row for row in rows if row["message_id"]}
    for actor in world.inhabitants:
        look = Look(actor=actor, served=served, stripe=world.stripe, now=world.now())
        if wrong := look.all():
            outcome.wrong[actor.name], outcome.books[actor.name] = wrong, look.books()
    called = {call.message_id for actor in world.inhabitants for call in actor.calls if call.message_id}
    unknown = [id_ for id_, row in served.items() if id_ not in called and row["ended"] == "complete"]
    if unknown:
        outcome.wrong["nobody"] = [f"Claude served calls that no customer made: {unknown}"]
    return outcome


def _ledger(sandbox: SandboxServer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while page := sandbox.claude_ledger(since_id=rows[-1]["id"] if rows else 0):
        rows += page
    return rows


def all_stories(seed: str, *, count: int, months: int) -> tuple[dict[int, list[Act]], list[float]]:
    """Return the stories of a seed's customers, and its moments."""
    days = stories.moments(seed, months=months)
    return {index: stories.story(seed, customer=index, days=days) for index in range(count)}, days


def shrink(
    setting: Setting, *, seed: str, index: int, story: Sequence[Act], days: Sequence[float], within_s: float
) -> tuple[list[Act], list[str]]:
    """Leave acts out of one customer's story for as long as it still fails alone.

    Returns the acts that are left and what is wrong; no acts where the customer does not fail alone.
    """
    stops_at = time.monotonic() + within_s
    wrong = _alone(setting, seed=seed, index=index, story=story, days=days)
    if not wrong:
        return [], []
    left, size = list(story), max(len(story) // 2, 1)
    while time.monotonic() < stops_at:
        for begin in range(0, len(left), size):
            fewer = [*left[:begin], *left[begin + size :]]
            told = _alone(setting, seed=seed, index=index, story=fewer, days=days) if fewer else []
            if told:
                left, wrong = fewer, told
                break
            if time.monotonic() > stops_at:
                break
        else:
            if size == 1:
                break
            size = max(size // 2, 1)
    return left, wrong


def _alone(setting: Setting, *, seed: str, index: int, story: Sequence[Act], days: Sequence[float]) -> list[str]:
    forget_everything()
    outcome = run(setting, seed=seed, customers={index: story}, days=days)
    return next(iter(outcome.wrong.values()), [])


def forget_everything() -> None:
    """Empty the database, but for the plans of a new installation."""
    from billing.ledger import known_terms
    from billing.plans.price_lists import forget_price_lists
    from billing.subscriptions.catching_up import forget_looks

    call_command("flush", verbosity=0, interactive=False)
    known_terms.forget_all()
    forget_price_lists()
    forget_looks()


def at(instant: float) -> datetime:
    """Return unix seconds as an instant."""
    return datetime.fromtimestamp(instant, tz=UTC)
