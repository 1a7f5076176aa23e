"""Watching: probes tell when each web server answers again, and samples tell whether caps and trials are kept."""

import json
import threading
import time
import urllib.error
import urllib.request
from bisect import bisect_left
from dataclasses import dataclass, field

import psycopg

from tests.conservation.deployment import WEBS, Deployment
from tests.conservation.history import History, Struck
from tests.conservation.load import Customer

PROBE_EVERY_S = 0.5
PROBE_TIMEOUT_S = 8.0
SAMPLE_EVERY_S = 0.5
# Held is what the open records hold, in one statement, and so as of one moment.
SAMPLES = {
    "a cap is passed": """
        SELECT account.organization_id, account.cap_minor, account.spent_minor, account.held_minor
        FROM billing_billingaccount AS account
        WHERE account.spent_minor + account.held_minor > account.cap_minor""",
    "a key's cap is passed": """
        SELECT key.organization_id, budget.cap_minor, budget.spent_minor, budget.held_minor
        FROM billing_keybudget AS budget JOIN accounts_apikey AS key ON key.id = budget.api_key_id
        WHERE budget.spent_minor + budget.held_minor > budget.cap_minor""",
    "a trial is passed": """
        SELECT account.organization_id, account.trial_used FROM billing_billingaccount AS account
        WHERE account.trial_used > 50""",
    "a hold is of no open record": """
        SELECT account.organization_id, account.held_minor, coalesce(sum(record.hold_minor), 0)
        FROM billing_billingaccount AS account LEFT JOIN billing_usagerecord AS record
        ON record.organization_id = account.organization_id AND record.state = 'open' AND record.posted_at IS NULL
        GROUP BY account.id HAVING account.held_minor <> coalesce(sum(record.hold_minor), 0)""",
}
CAPS = ("a cap is passed", "a key's cap is passed")


@dataclass
class Sampler:
    """Looks at caps, trials and holds all the time. `lowered` are organizations whose caps the adversary lowered."""

    deployment: Deployment
    lowered: set[int]
    broken: list[str] = field(default_factory=list)
    samples: int = 0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            try:
                self._look()
            except psycopg.Error:  # the database is down
                continue

    def _look(self) -> None:
        for name, statement in SAMPLES.items():
            for row in self.deployment.rows(statement):
                if name not in CAPS or row[0] not in self.lowered:
                    self.broken.append(f"{name}: organization {row[0]}: {', '.join(map(str, row[1:]))}")
        self.samples += 1


@dataclass
class Probes:
    """Asks each web server for an answer, again and again, and notes when it had one."""

    deployment: Deployment
    history: History
    customer: Customer
    answered_s: dict[str, list[float]] = field(default_factory=lambda: {web: [] for web in WEBS})

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(web,), daemon=True) for web in WEBS]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def recovered_s(self, fault: Struck) -> float | None:
        """Return how long after a fault both web servers had answered again; None where it is not known."""
        firsts = []
        for times in self.answered_s.values():
            place = bisect_left(times, fault.ended_s)
            if place == len(times):
                return None
            firsts.append(times[place])
        return max(firsts) - fault.ended_s

    def _run(self, web: str) -> None:
        while not self._over.is_set():
            began_at, began_s = time.monotonic(), self.history.now_s()
            if self._answers(web):
                self.answered_s[web].append(began_s)
            self._over.wait(max(0.0, PROBE_EVERY_S - (time.monotonic() - began_at)))

    def _answers(self, web: str) -> bool:
        body = {"prompt": "[[usage tag=probe input=20 output=2]]", "max_tokens": 5}
        request = urllib.request.Request(
            f"{self.deployment.url(web)}/chat",
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.customer.key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S) as answer:
                return bool(answer.read()) and answer.status == 200
        except (OSError, urllib.error.URLError):
            return False
