"""A run from beginning to end: start, load and faults, rest, a month later, verdicts."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conservation.adversary import Adversary
from tests.conservation.books import Books, bills_of, invoiced
from tests.conservation.business import Business
from tests.conservation.conduct import of_conduct
from tests.conservation.deployment import WEBS, Deployment
from tests.conservation.history import History
from tests.conservation.load import Customer, Load
from tests.conservation.verdicts import Verdict, of_books
from tests.conservation.watching import Probes, Sampler
from tests.flows.waiting import until

# Leases of dead processes run out after 25 s, those of meter events after 90.
AT_REST_WITHIN_S = 240.0
# Lost webhooks are made up for once a minute.
INVOICED_WITHIN_S = 200.0
UNDER_WAY = """
    SELECT (SELECT count(*) FROM billing_usagerecord WHERE posted_at IS NULL)
        + (SELECT count(*) FROM billing_meterevent WHERE state IN ('pending', 'sending'))
        + (SELECT count(*) FROM billing_lateusage WHERE state IN ('pending', 'sending'))
        + (SELECT count(*) FROM billing_billingaccount WHERE change_begun_at IS NOT NULL)"""
CHANGED_CUSTOMERS = """
    SELECT stripe_customer_id FROM billing_billingaccount WHERE stripe_customer_id <> '' AND organization_id IN
        (SELECT organization_id FROM accounts_auditentry WHERE event IN ('plan_switched', 'canceled_now', 'canceled'))
    ORDER BY id"""
UNBILLED = "SELECT count(*) FROM billing_invoicehold WHERE released_at IS NULL"
# As though a quarter of an hour had passed: Stripe's summaries are compared up to then, and a change that was begun so
# long ago was left by a process that died.
LET_TIME_PASS = (
    "UPDATE billing_meterevent SET sent_at = now() - interval '1 hour' WHERE sent_at > now() - interval '1 hour'",
    "UPDATE billing_billingaccount SET change_begun_at = now() - interval '1 hour' WHERE change_begun_at IS NOT NULL",
)


@dataclass
class Run:
    """A run: its seed, how long its faults go on, and what it is made of."""

    seed: str
    minutes: float
    faults: tuple[str, ...] = ()
    quiet: bool = False
    steady: bool = False
    customers: int = 4
    clients: int = 24
    logs: Path | None = None
    history: History = field(default_factory=History)
    verdicts: list[Verdict] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    at_rest_s: float = 0.0
    slowest_start_s: float = 0.0

    def go(self) -> "Run":
        """Do all of it. Raises AssertionError where the product does not come to rest at all."""
        with _folder(logs=self.logs) as folder:
            deployment = Deployment(folder=folder)
            try:
                deployment.start()
                self._go(deployment)
            except BaseException:
                print(deployment.log()[-6000:])
                raise
            finally:
                late = deployment.stop()
            self.verdicts.append(Verdict.on("processes-end-when-asked", (("", name) for name in late)))
        return self

    def _go(self, deployment: Deployment) -> None:
        made = [Customer(**each) for each in deployment.provision(str(self.customers))]
        lowered: set[int] = set()
        keys: dict[str, str] = {}

        def webs() -> dict[str, str]:
            up = [web for web in WEBS if deployment.cast[web].ready_since is not None]
            return {web: deployment.url(web) for web in up}

        self.history.began_at = time.monotonic()
        load = Load(seed=self.seed, customers=made, keys=keys, webs=webs, history=self.history, clients=self.clients)
        changing = [each for each in made if each.kind == "changing"]
        business = [
            Business(deployment, self.history, f"{self.seed}/{each.name}", each, webs, keys, lowered)
            for each in changing
        ]
        adversary = Adversary(deployment, self.history, self.seed, self.faults)
        probes = Probes(deployment, self.history, made[0])
        sampler = Sampler(deployment, lowered)
        troubles = [] if self.quiet else [adversary, *(() if self.steady else business)]
        for each in (load, probes, sampler, *troubles):
            each.start()
        time.sleep(self.minutes * 60)
        for each in troubles:
            each.stop()
        self._heal(deployment)
        load.stop()
        until(deployment.cast.all_ready, within_s=AT_REST_WITHIN_S, why="not all processes came back")
        probes.stop()
        sampler.stop()
        self.verdicts.append(self._rest(deployment))
        self.done = dict(sum((each.done for each in business), Counter()))
        self.slowest_start_s = max(deployment.cast[web].slowest_start_s for web in WEBS)
        self.verdicts += [
            Verdict.on("caps-and-trials-are-kept-at-every-moment", (("", each) for each in sampler.broken)),
            Verdict.on("an-audit-holds-under-fire", (("", said) for each in business for said in each.broken)),
            self._audit(deployment),
            *of_books(Books.read(deployment), self.history),
            *of_conduct(self.history, probes),
        ]
        self.verdicts += self._a_month_later(deployment)

    def _heal(self, deployment: Deployment) -> None:
        for link in deployment.links.values():
            link.come_back()
        deployment.sandbox.control("DELETE", "/faults")
        deployment.sandbox.control("DELETE", "/claude/faults")

    def _rest(self, deployment: Deployment) -> Verdict:
        """Wait until nothing is under way any more. Meters are asked of what is unclear once their figures settle."""
        began_at = time.monotonic()
        while deployment.rows(UNDER_WAY)[0][0]:
            if time.monotonic() > began_at + AT_REST_WITHIN_S:
                said = deployment.manage("audit", "--at-rest", check=False)
                return Verdict("it-comes-to-rest", [said[-3000:]])
            time.sleep(2)
            deployment.write(*LET_TIME_PASS)
        self.at_rest_s = time.monotonic() - began_at
        return Verdict("it-comes-to-rest")

    def _audit(self, deployment: Deployment) -> Verdict:
        said = deployment.manage("audit", "--thorough", "--at-rest", check=False)
        return Verdict("the-audit-holds", [said[-3000:]] if "invariants hold" not in said else [])

    def _a_month_later(self, deployment: Deployment) -> list[Verdict]:
        """Let the period end, and compare the invoices with what was settled."""
        deployment.write(*LET_TIME_PASS)
        for span in ("1 month", "1 day"):
            deployment.sandbox.advance(span)
        gives_up_at = time.monotonic() + INVOICED_WITHIN_S
        while True:
            verdicts = self._invoice_verdicts(deployment)
            if time.monotonic() > gives_up_at or not any(verdict.broken for verdict in verdicts):
                return verdicts
            time.sleep(10)

    def _invoice_verdicts(self, deployment: Deployment) -> list[Verdict]:
        deployment.write(*LET_TIME_PASS)
        if not _is_billed(deployment):
            return [Verdict("all-is-invoiced", ["webhooks, drafts or usage are under way"])]
        said = deployment.manage("reconcile", check=False)
        reconciled = [] if said.strip().splitlines()[-1].startswith("zero differences") else [said[-3000:]]
        return [
            Verdict("reconciliation-finds-nothing", [*reconciled, *(self._bills(deployment) if reconciled else [])]),
            Verdict.on("invoices-bill-what-was-settled", _uninvoiced(deployment, Books.read(deployment))),
        ]

    def _bills(self, deployment: Deployment) -> list[str]:
        """Tell of the customers whose terms changed: their bills are the ones that go wrong."""
        changed = deployment.rows(CHANGED_CUSTOMERS)
        return [line for (customer,) in changed for line in bills_of(deployment, customer_id=customer)]


def _is_billed(deployment: Deployment) -> bool:
    is_quiet = deployment.sandbox.control("GET", "/health")["webhooks_pending"] == 0
    return is_quiet and deployment.rows(UNBILLED)[0][0] == 0 and deployment.rows(UNDER_WAY)[0][0] == 0


def _uninvoiced(deployment: Deployment, books: Books) -> Iterator[tuple[str, str]]:
    """Yield customers whose invoices bill another quantity than was settled."""
    settled: dict[str, int] = {}
    for (customer, _), quantity in books.settled_by_meter().items():
        settled[customer] = settled.get(customer, 0) + quantity
    for customer, expected in sorted(settled.items()):
        found = invoiced(deployment, customer_id=customer)
        if found != expected:
            yield "", f"{customer}: invoices bill {found:,} of the {expected:,} tokens and units that were settled"
            yield from (("", line) for line in bills_of(deployment, customer_id=customer))


@contextmanager
def _folder(*, logs: Path | None) -> Iterator[Path]:
    """Lend a folder that PostgreSQL's user may enter; copy the processes' logs to `logs` before it goes."""
    folder = Path(tempfile.mkdtemp(prefix="rgent-conservation."))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for log in folder.glob("*.log") if logs else ():
            shutil.copy2(log, logs or folder)
        shutil.rmtree(folder, ignore_errors=True)
