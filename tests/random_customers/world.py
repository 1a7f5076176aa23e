"""The world of random customers: the sandbox's clock, Stripe's bad hours, and the product's tasks as time goes by."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol

from django.utils import timezone
from stripe import StripeClient

from billing import tasks
from billing.models import LateUsage, MeterEvent
from tests.flows.wire import send
from tests.random_customers.webhooks import Webhooks
from tests.sandbox.running import KEY
from tests.servers import SandboxServer

MINUTE = timedelta(minutes=1)
# Where several periods end this soon one after another, their customers are looked at together.
TOGETHER = 10 * MINUTE
# A draft is finalized an hour after its period, so the product's tasks run this often until it is.
STEP = 20 * MINUTE
WATCHED_FOR = 100 * MINUTE
AS_OPERATOR = {"authorization": f"Bearer {KEY}"}
RUNNING = ("active", "past_due", "trialing", "unpaid")


class Inhabitant(Protocol):
    """A customer, as the world knows them."""

    customer_id: str

    def before_boundary(self) -> None:
        """A minute before their period ends."""

    def after_boundary(self) -> None:
        """A minute after it."""


@dataclass
class World:
    """A sandbox, a product, and the time that passes for both."""

    seed: str
    sandbox: SandboxServer
    stripe: StripeClient
    webhooks: Webhooks
    inhabitants: list[Any] = field(default_factory=list)
    is_down: bool = False
    meters_refuse_until: datetime | None = None
    _listed: list[Any] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return datetime.fromtimestamp(self.sandbox.control("GET", "/clock")["now"], tz=UTC)

    def move_to(self, target: datetime) -> None:
        """Let time pass: in one step, but with stops about the ends of periods."""
        while (now := self.now()) < target - timedelta(seconds=1):
            running = self._running()
            ends = {each["customer"]: _instant(each, "current_period_end") for each in running}
            about = [end for end in ends.values() if now < end <= now + TOGETHER]
            if about and max(about) < target:
                self._pass_boundary(ends, until=max(about))
                continue
            begun = [_instant(each, "current_period_start") for each in running]
            self._advance(min(target, _next_stop(now, ends=sorted(ends.values()), begun=begun)))
            self.live()

    def leap_to(self, target: datetime) -> None:
        """Move the clock in one step, whatever lies between."""
        self.beat()
        self._advance(target)
        self.live()

    def live(self) -> None:
        """Bring webhooks, and run the product's tasks, as a minute or two would."""
        self.webhooks.deliver(is_down=self.is_down)
        self.beat()

    def beat(self) -> None:
        """Run each task of the beat once."""
        if self.meters_refuse_until and self.now() >= self.meters_refuse_until:
            self.end_faults()
        self._let_pauses_pass()
        tasks.post_usage()
        tasks.send_meter_events()
        tasks.bill_late_usage()
        tasks.catch_up_with_stripe()
        tasks.hold_forgotten_drafts()
        tasks.release_held_invoices()

    @contextmanager
    def trouble_at(self, moment: int) -> Iterator[None]:
        """Let a moment be a bad one for Stripe, as the seed decides: down, refusing usage, or not answering."""
        chance = Random(f"{self.seed}/{moment}/stripe")
        kind, drawn = chance.random(), Random(chance.random())
        if kind < 0.06:
            with self._down():
                yield
            return
        if kind < 0.12:
            self._refuse_usage(drawn)
        elif kind < 0.22:
            self._answer_badly(drawn)
        yield

    @contextmanager
    def _down(self) -> Iterator[None]:
        self.is_down = True
        self.sandbox.fail(effect="down")
        try:
            yield
        finally:
            self.is_down = False
            self.end_faults()

    def _refuse_usage(self, chance: Random) -> None:
        self.meters_refuse_until = self.now() + timedelta(hours=chance.uniform(1, 30))
        status = chance.choice([429, 500, 503])
        self.sandbox.fail(effect="status", status=status, path="/v1/billing/meter_events", times=None)

    def _answer_badly(self, chance: Random) -> None:
        path = chance.choice(["/v1/subscriptions/*", "/v1/billing/meter_events", "/v1/invoiceitems", "/v1/invoices/*"])
        effect = chance.choice(["timeout_after", "status"])
        for _ in range(chance.choice([1, 4])):
            self.sandbox.fail(effect=effect, path=path, method=chance.choice(["POST", "*"]), delay_s=0.02)

    def end_faults(self) -> None:
        """Let Stripe work again."""
        self.meters_refuse_until = None
        self.sandbox.control("DELETE", "/faults")

    def _let_pauses_pass(self) -> None:
        """Have it be after all that waits for wall time to pass: here hours pass in milliseconds."""
        past = timezone.now() - timedelta(seconds=1)
        MeterEvent.objects.filter(state="sending").update(next_attempt_at=past)
        LateUsage.objects.filter(state__in=["pending", "sending"]).update(next_attempt_at=past)
        an_hour_ago = timezone.now() - timedelta(hours=1)
        MeterEvent.objects.filter(sent_at__gt=an_hour_ago).update(sent_at=an_hour_ago)

    def _pass_boundary(self, ends: dict[str, datetime], *, until: datetime) -> None:
        concerned = [each for each in self.inhabitants if ends.get(each.customer_id, until + MINUTE) <= until]
        for each in concerned:
            each.before_boundary()
        self.beat()
        is_bad = Random(f"{self.seed}/{until:%Y-%m-%d}/boundary").random() < 0.15
        with self._down() if is_bad else nullcontext():
            self._advance(until + MINUTE)
            self.webhooks.deliver(is_down=self.is_down)
            for each in concerned:
                each.after_boundary()
            self.beat()

    def _running(self) -> list[Any]:
        if not self.is_down:
            # Without the SDK, whose objects take longer to make than anything else here.
            listed = send("GET", f"{self.sandbox.url}/v1/subscriptions?limit=100", headers=AS_OPERATOR)
            self._listed = listed.json()["data"]
        return [each for each in self._listed if each["status"] in RUNNING]

    def _advance(self, target: datetime) -> None:
        seconds = int((target - self.now()).total_seconds())
        for unit, size in (("day", 86_400), ("minute", 60), ("second", 1)):
            count, seconds = divmod(max(seconds, 0), size)
            if count:
                self.sandbox.advance(f"{count} {unit}")


def _instant(subscription: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromtimestamp(subscription["items"]["data"][0][name], tz=UTC)


def _next_stop(now: datetime, *, ends: Sequence[datetime], begun: Sequence[datetime]) -> datetime:
    """Return the next moment to stop at: a minute before a period ends, or soon where one has just begun."""
    ahead = [end - MINUTE for end in ends if end - MINUTE > now + timedelta(seconds=1)]
    stops = ahead[:1]
    if any(now - WATCHED_FOR < at <= now for at in begun):
        stops.append(now + STEP)
    return min(stops, default=datetime.max.replace(tzinfo=UTC))
