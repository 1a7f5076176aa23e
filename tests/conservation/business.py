"""Business under fire: plans switched, subscriptions ended and resumed, caps, keys, cards, while everything breaks."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.conservation.deployment import Deployment
from tests.conservation.history import History
from tests.conservation.load import Customer
from tests.flows.wire import Answer, send, send_json
from tests.sandbox.running import KEY

PAUSE_S = (0.5, 3.0)
CALL_TIMEOUT_S = 40.0
# Stripe's meters tell whole minutes, so the usage of two bills that begin within one cannot be told apart there.
BILLS_LAST_S = 90.0
AS_OPERATOR = {"authorization": f"Bearer {KEY}"}
PLANS = ("pro_haiku", "pro_sonnet")
COMMANDS = (["setup_stripe_products", "--json"], ["reconcile"], ["audit", "--thorough"])


@dataclass
class Business:
    """Acts for a customer whose terms change, one act after another. An answer may refuse; none may be lost."""

    deployment: Deployment
    history: History
    seed: str
    customer: Customer
    webs: Callable[[], dict[str, str]]
    keys: dict[str, str]
    lowered: set[int]
    done: Counter[str] = field(default_factory=Counter)
    tried: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = Random(f"{self.seed}/business")
        self._bill_begun_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the act of the moment is over."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        acts: dict[Callable[[Customer], bool], int] = {
            self._switch: 6,
            self._cancel_later: 3,
            self._resume: 3,
            self._cancel_now_and_return: 3,
            self._change_cap: 5,
            self._renew_key: 4,
            self._card_fails_and_is_mended: 2,
            self._operate: 1,
        }
        while not self._over.wait(self._chance.uniform(*PAUSE_S)):
            if self.webs():
                self._try(self._chance.choices(list(acts), weights=list(acts.values()))[0])

    def _try(self, act: Callable[[Customer], bool]) -> None:
        customer, name = self.customer, act.__name__.strip("_")
        self.tried[name] += 1
        struck = self.history.strike(f"business: {name} of {customer.name}")
        try:
            self.done[name] += act(customer)
        except (OSError, ValueError, KeyError, IndexError) as error:  # nobody answered, or half an answer came
            struck.said = f"{type(error).__name__}: {error}"[:200]
        struck.ended_s = self.history.now_s()

    def _may_begin_a_bill(self) -> bool:
        if time.monotonic() - self._bill_begun_at < BILLS_LAST_S:
            return False
        self._bill_begun_at = time.monotonic()
        return True

    # --- Acts: each returns whether it was done ---

    def _switch(self, customer: Customer) -> bool:
        plan = self._call(customer, "GET", "/subscription").json()["plan"]
        if plan not in PLANS or not self._may_begin_a_bill():
            return False
        body = {"plan": PLANS[1 - PLANS.index(plan)], "when": self._chance.choice(["now", "now", "renewal"])}
        return self._call(customer, "POST", "/subscription/change", body).status == 200

    def _cancel_later(self, customer: Customer) -> bool:
        return self._call(customer, "POST", "/subscription/cancel", {"at": "period_end"}).status == 200

    def _resume(self, customer: Customer) -> bool:
        return self._call(customer, "POST", "/subscription/resume").status == 200

    def _cancel_now_and_return(self, customer: Customer) -> bool:
        if not self._may_begin_a_bill():
            return False
        ended = self._call(customer, "POST", "/subscription/cancel", {"at": "now"}).status == 200
        answer = self._call(customer, "POST", "/subscription", {"plan": self._chance.choice(PLANS)})
        if answer.status == 201:
            intent = answer.json()["client_secret"].partition("_secret_")[0]
            self._stripe(f"payment_intents/{intent}/confirm", payment_method="pm_card_visa")
        return ended or answer.status == 201

    def _change_cap(self, customer: Customer) -> bool:
        cap = self._chance.choice([None, "5", "20", "100", "5000"])
        self.lowered.add(customer.organization_id)
        return self._call(customer, "PUT", "/cap", {"cap_minor": cap}).status == 200

    def _renew_key(self, customer: Customer) -> bool:
        made = self._call(customer, "POST", "/keys", {"name": "Renewed", "scopes": ["chat"]})
        if made.status != 201:
            return False
        self.keys[customer.name] = made.json()["key"]
        known = self._call(customer, "GET", "/keys?limit=100").json()["data"]
        old = [key for key in known if key["scopes"] == ["chat"] and key["state"] == "active"]
        return all(
            self._call(customer, "POST", f"/keys/{key['id']}/revoke").status < 300
            for key in old
            if key["id"] != made.json()["id"]
        )

    def _card_fails_and_is_mended(self, customer: Customer) -> bool:
        for token in ("pm_card_chargeCustomerFail", "pm_card_visa"):
            card = self._stripe(f"payment_methods/{token}/attach", customer=customer.customer_id).json()["id"]
            default = {"invoice_settings[default_payment_method]": card}
            self._stripe(f"customers/{customer.customer_id}", **default)
            self._over.wait(self._chance.uniform(1, 4))
        return self._call(customer, "POST", "/subscription/pay").status == 200

    def _operate(self, customer: Customer) -> bool:
        """Do what an operator does meanwhile: publish, reconcile, audit. An audit must hold at every moment."""
        command = self._chance.choice(COMMANDS)
        said = self.deployment.manage(*command, check=False)
        if "BROKEN" in said:
            self.broken.append(f"{' '.join(command)}: {said[-1500:]}")
        return True

    # --- Ways to ask ---

    def _call(self, customer: Customer, method: str, path: str, body: Any = None) -> Answer:
        webs = self.webs()
        if not webs:
            raise OSError("no web server is up")
        url = webs[self._chance.choice(sorted(webs))]
        headers = {"authorization": f"Bearer {customer.manage_key}"}
        answer = send_json(method, f"{url}/api/v1{path}", body, headers=headers, timeout_s=CALL_TIMEOUT_S)
        if answer.status == 500:
            self.broken.append(f"{method} {path} of {customer.name} is a 500: {answer.body[:200]!r}")
        return answer

    def _stripe(self, path: str, **form: str) -> Answer:
        """Act in Stripe's dashboard, which the faults of its API concern too."""
        url = f"{self.deployment.sandbox.url}/v1/{path}"
        return send("POST", url, body=urlencode(form).encode(), headers=AS_OPERATOR, timeout_s=CALL_TIMEOUT_S)
