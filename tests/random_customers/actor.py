"""A random customer: acts a story out, through the management API, Checkout and Stripe's dashboard."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from stripe import StripeClient, StripeError

from accounts.models import User
from billing.models import Plan
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.checkout import AlreadySubscribed, start_checkout
from tests.billing.subscribing import pay
from tests.factories import make_customer
from tests.flows.client import Client
from tests.random_customers.calls import Caller, HeldCall
from tests.random_customers.own_books import FREE, Call
from tests.random_customers.stories import Act, plans_of
from tests.random_customers.world import World
from tests.rgent.management_api.client import Manager, make_manager

IN_FLIGHT = 0.93


@dataclass
class Actor:
    """One customer and what they did. `changes` are those of terms, and how many calls were in flight over each."""

    index: int
    world: World
    manager: Manager
    owner: User
    caller: Caller
    chance: Random
    customer_id: str = ""
    changes: list[tuple[str, int]] = field(default_factory=list)
    skipped: int = 0
    _held: list[HeldCall] = field(default_factory=list)

    @classmethod
    def arrive(cls, world: World, *, index: int, api: str) -> "Actor":
        """Sign a customer up, with a key that chats and one that manages."""
        customer = make_customer()
        chance = Random(f"{world.seed}/{index}/acts")
        manager = make_manager(customer)
        caller = Caller(
            name=f"c{index}",
            world=world,
            client=Client(url=api, key=customer.key),
            manager=manager,
            chance=Random(f"{world.seed}/{index}/calls"),
        )
        owner = customer.organization.memberships.get(role="owner").user
        return cls(index=index, world=world, manager=manager, owner=owner, caller=caller, chance=chance)

    @property
    def name(self) -> str:
        """Their name in stories and differences."""
        return self.caller.name

    @property
    def calls(self) -> list[Call]:
        """All calls they made."""
        return self.caller.calls

    @property
    def organization_id(self) -> int:
        """The id of their organization."""
        return self.manager.organization.id

    def act(self, act: Act) -> None:
        """Do one thing of their story, where it can be done: a former subscriber has nothing to cancel."""
        getattr(self, f"_{act.kind}")(act)

    def before_boundary(self) -> None:
        """Have a call in flight as the period ends."""
        self._held += self._hold("the end of a period")

    def after_boundary(self) -> None:
        """Call in the new period, and let the call that crossed its beginning end."""
        self._release(self._held, change="the end of a period")
        self._held = []
        if self.chance.random() < 0.5:
            self.caller.call()

    # --- Acts ---

    def _calls(self, act: Act) -> None:
        for _ in range(self.chance.randint(1, 2)):
            self.caller.call()

    def _subscribe(self, act: Act) -> None:
        if self._subscription_id() or self.world.is_down:
            self.skipped += 1
            return
        held = self._hold("subscribing")
        with suppress(StripeUnavailable, StripeRejected, AlreadySubscribed, StripeError):
            self._pay(act)
        self._learn_customer()
        self._release(held, change="")
        self.world.live()
        self._calls(act)

    def _switch(self, act: Act) -> None:
        plan = self._plan()
        if plan == FREE:
            self.skipped += 1
            return
        body = {"plan": next(other for other in plans_of(self.index) if other != plan)}
        if self.chance.random() < 0.5:
            preview = self.manager.call("POST", "/subscription/preview", body)
            body |= {"at": preview.json()["at"]} if preview.status_code == 200 else {}
        self.caller.call()
        self._change("a switch", lambda: self._ask("/subscription/change", body))
        self.caller.call()

    def _cancel_now(self, act: Act) -> None:
        if not self._subscription_id():
            self.skipped += 1
            return
        self.caller.call()
        self._change("canceling now", lambda: self._ask("/subscription/cancel", {"at": "now"}))

    def _cancel_later(self, act: Act) -> None:
        self._ask("/subscription/cancel", {"at": "period_end"})

    def _resume(self, act: Act) -> None:
        self._ask("/subscription/resume", None)

    def _card_fails(self, act: Act) -> None:
        self._use_card("pm_card_chargeCustomerFail")

    def _card_mended(self, act: Act) -> None:
        """Give a good card, and pay what is open with it."""
        self._use_card("pm_card_visa")
        self._in_dashboard(self._pay_what_is_open)

    def _dashboard_cancel(self, act: Act) -> None:
        found = self._subscription_id()
        if not found or self.world.is_down:
            self.skipped += 1
            return
        self._change("canceling in Stripe's dashboard", lambda: self._cancel_in_dashboard(found))

    def _dashboard_end(self, act: Act) -> None:
        self._in_dashboard(lambda stripe: self._update(stripe, {"cancel_at_period_end": True}))

    def _dashboard_pause(self, act: Act) -> None:
        paused = {"pause_collection": {"behavior": "mark_uncollectible"}}
        self._in_dashboard(lambda stripe: self._update(stripe, paused))

    # --- Parts of acts ---

    def _pay(self, act: Act) -> None:
        """Subscribe and pay, by Checkout or as an API consumer does."""
        if act.by_checkout:
            account = self.manager.customer.account
            pay(start_checkout(account=account, plan=Plan.objects.get(code=act.plan)))
            return
        answer = self.manager.call("POST", "/subscription", {"plan": act.plan})
        if answer.status_code == 201:
            intent = answer.json()["client_secret"].partition("_secret_")[0]
            self.world.stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})

    def _use_card(self, token: str) -> None:
        def use(stripe: StripeClient) -> None:
            card = stripe.v1.payment_methods.attach(token, {"customer": self.customer_id}).id
            stripe.v1.customers.update(self.customer_id, {"invoice_settings": {"default_payment_method": card}})
            self._update(stripe, {"default_payment_method": card})

        self._in_dashboard(use)

    def _pay_what_is_open(self, stripe: StripeClient) -> None:
        for invoice in stripe.v1.invoices.list({"customer": self.customer_id, "status": "open"}).data:
            stripe.v1.invoices.pay(invoice.id or "")

    def _cancel_in_dashboard(self, subscription_id: str) -> bool:
        return self._in_dashboard(lambda stripe: stripe.v1.subscriptions.cancel(subscription_id))

    def _update(self, stripe: StripeClient, changes: Any) -> None:
        if subscription_id := self._subscription_id():
            stripe.v1.subscriptions.update(subscription_id, changes)

    def _in_dashboard(self, do: Callable[[StripeClient], object]) -> bool:
        """Act as the operator does at Stripe; return whether it was done, which Stripe may refuse."""
        if self.customer_id and not self.world.is_down:
            with suppress(StripeError):
                do(self.world.stripe)
                return True
        self.skipped += 1
        return False

    def _change(self, name: str, change: Callable[[], bool]) -> None:
        """Change the terms with a call in flight, which ends before or after the product learns of it."""
        held = self._hold(name)
        done = change()
        if self.chance.random() < 0.5:
            self.world.live()
        self._release(held, change=name if done else "")

    def _hold(self, over: str) -> list[HeldCall]:
        if self.chance.random() > IN_FLIGHT:
            return []
        held = (self.caller.hold(over=over) for _ in range(self.chance.choice([1, 1, 2])))
        return [each for each in held if each]

    def _release(self, held: list[HeldCall], *, change: str) -> None:
        for each in held:
            self.caller.release(each)
        if change:
            self.changes.append((change, sum(each.call.is_served for each in held)))

    def _ask(self, path: str, body: object) -> bool:
        """Ask the management API for a change; return whether it was made. It may refuse, and must not break."""
        answer = self.manager.call("POST", path, body)
        assert answer.status_code < 500 or answer.status_code == 503, (path, answer.status_code, answer.content)
        return bool(answer.status_code == 200)

    def _plan(self) -> str:
        return str(self.manager.get("/subscription")["plan"])

    def _subscription_id(self) -> str:
        return self.manager.get("/subscription")["subscription_id"] or ""

    def _learn_customer(self) -> None:
        self.customer_id = self.manager.customer.account.stripe_customer_id
        self.world.webhooks.names[self.customer_id] = self.name


def show(actor: Actor) -> str:
    """Tell what a customer did, for a failure."""
    return "\n".join([f"{actor.name}, {actor.customer_id}:", *(f"  {_told(call)}" for call in actor.calls)])


def _told(call: Call) -> str:
    times = f"{call.begun_at:%m-%d %H:%M:%S} to {call.ended_at:%m-%d %H:%M:%S}"
    over = f" over {', '.join(call.over)}" if call.over else ""
    return f"{call.name} on {call.plan}, {times}{over}: {call.status} {call.message_id}"
