"""The faults: each a block that breaks something and mends it again, drawn by chance."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random

from tests.conservation.deployment import WEBS, WORKERS, Deployment
from tests.conservation.engines import Engine, hung

Block = Callable[[Deployment, Random], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """A fault: how often it comes, whether it kills, and how soon requests must succeed again once it is over."""

    name: str
    weight: int
    block: Block
    recovers_within_s: float
    kills: bool = False
    attacks: str = ""
    once: bool = False


def _attack(act: str, *names: str) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        for name in names:
            getattr(deployment.cast[name], act)()
        yield

    return block


def _pause(name: str, longest_s: float) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        with deployment.cast[name].frozen():
            time.sleep(chance.uniform(1, longest_s))
            yield

    return block


def _engine(name: str, act: str) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        engine: Engine = getattr(deployment, name)
        if act == "hang":
            with hung(engine):
                time.sleep(chance.uniform(1, 6))
                yield
            return
        getattr(engine, "kill" if act == "kill" else "stop")()
        time.sleep(chance.uniform(1, 6) if act == "stop" else 0)
        yield
        engine.start()

    return block


@contextmanager
def _empty_redis(deployment: Deployment, chance: Random) -> Iterator[None]:
    deployment.redis.empty()
    yield


def _link(act: str) -> Block:
    """Break one link of those to a database or a vendor."""

    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        link = deployment.links[chance.choice(sorted(deployment.links))]
        if act == "delay":
            link.delay(chance.uniform(0.05, 0.4))
        else:
            getattr(link, act)()
        if act != "drop":
            time.sleep(chance.uniform(1, 5))
        yield
        link.come_back()
        if act in {"hang", "half_open"}:
            link.drop()

    return block


def _stripe(**fault: object) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        deployment.sandbox.fail(**{**fault, "for_s": chance.uniform(3, 10)})
        yield

    return block


def _claude(**fault: object) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        # An event of a stream after which it breaks; whole answers break in the middle.
        chosen = {name: chance.randint(0, 20) if value is None else value for name, value in fault.items()}
        deployment.sandbox.control("POST", "/claude/faults", {"times": chance.randint(1, 8), **chosen})
        yield

    return block


def _advance(by: str) -> Block:
    @contextmanager
    def block(deployment: Deployment, chance: Random) -> Iterator[None]:
        deployment.sandbox.advance(by)
        yield

    return block


AT_ONCE_S, RESTART_S, OUTAGE_S = 15.0, 90.0, 30.0
METER_EVENTS = "/v1/billing/meter_events"

FAULTS = [
    *(Fault(f"kill {web}", 10, _attack("kill", web), RESTART_S, kills=True, attacks=web) for web in WEBS),
    *(Fault(f"kill {name}", 4, _attack("kill", name), AT_ONCE_S, kills=True, attacks=name) for name in WORKERS),
    Fault("kill beat", 2, _attack("kill", "beat"), AT_ONCE_S, kills=True, attacks="beat"),
    *(Fault(f"end {web}", 3, _attack("terminate", web), RESTART_S * 2, attacks=web) for web in WEBS),
    *(Fault(f"end {name}", 2, _attack("terminate", name), AT_ONCE_S, attacks=name) for name in WORKERS),
    *(Fault(f"pause {web}", 3, _pause(web, 6), AT_ONCE_S, attacks=web) for web in WEBS),
    *(Fault(f"pause {name}", 2, _pause(name, 12), AT_ONCE_S, attacks=name) for name in WORKERS),
    Fault("restart postgres", 4, _engine("postgres", "restart"), OUTAGE_S),
    Fault("kill postgres", 6, _engine("postgres", "kill"), OUTAGE_S, kills=True),
    Fault("stop postgres", 3, _engine("postgres", "stop"), OUTAGE_S),
    Fault("hang postgres", 4, _engine("postgres", "hang"), OUTAGE_S),
    Fault("restart redis", 3, _engine("redis", "restart"), AT_ONCE_S),
    Fault("kill redis", 4, _engine("redis", "kill"), AT_ONCE_S, kills=True),
    Fault("stop redis", 2, _engine("redis", "stop"), AT_ONCE_S),
    Fault("hang redis", 3, _engine("redis", "hang"), AT_ONCE_S),
    Fault("empty redis", 3, _empty_redis, AT_ONCE_S),
    *(Fault(f"link: {act}", 3, _link(act), OUTAGE_S) for act in ("drop", "refuse", "hang", "half_open", "delay")),
    Fault("stripe: times out after accepting", 4, _stripe(effect="timeout_after", path=METER_EVENTS), AT_ONCE_S),
    Fault("stripe: any call times out after accepting", 2, _stripe(effect="timeout_after"), AT_ONCE_S),
    Fault("stripe: down", 2, _stripe(effect="down", status=503), AT_ONCE_S),
    Fault("stripe: rate limit", 2, _stripe(effect="rate_limit"), AT_ONCE_S),
    Fault("webhooks: twice", 2, _stripe(effect="webhook_twice"), AT_ONCE_S),
    Fault("webhooks: out of order", 2, _stripe(effect="webhook_out_of_order", delay_s=5), AT_ONCE_S),
    Fault("webhooks: late", 2, _stripe(effect="webhook_late", delay_s=8), AT_ONCE_S),
    Fault("webhooks: lost", 1, _stripe(effect="webhook_never"), AT_ONCE_S),
    Fault("claude: drops", 4, _claude(drop_after=None), AT_ONCE_S),
    Fault("claude: breaks off with an error", 2, _claude(error_after=None), AT_ONCE_S),
    Fault("claude: overloaded", 2, _claude(error=529), AT_ONCE_S),
    # Once: Stripe finalizes a draft an hour after its period, and a second leap would leave no wall time to hold it.
    Fault("time: a month", 2, _advance("1 month"), OUTAGE_S, once=True),
    # Past the lease of its records, which are abandoned meanwhile and settled late.
    Fault("pause web-2 past its lease", 1, _pause("web-2", 45), AT_ONCE_S, attacks="web-2"),
]
