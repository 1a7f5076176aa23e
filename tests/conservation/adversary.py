"""The adversary: one fault after another, now and then two at once, and how long each took to be over."""

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

import psycopg

from tests.conservation.deployment import WEBS, Deployment
from tests.conservation.faults import FAULTS, Fault
from tests.conservation.history import History

PAUSE_S = (0.2, 1.5)
TWO_AT_ONCE = 0.2
OPEN_RECORDS = "SELECT count(*) FROM billing_usagerecord WHERE state = 'open' AND posted_at IS NULL"


@dataclass
class Adversary:
    """Draws faults by the seed, and strikes until it is told to stop. `names` choose among them; none means all."""

    deployment: Deployment
    history: History
    seed: str
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._chance = Random(f"{self.seed}/faults")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._faults = [each for each in FAULTS if not self.names or any(name in each.name for name in self.names)]
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Strike no more, once the fault of the moment is mended. Raises what went wrong with the adversary itself."""
        self._over.set()
        self._thread.join()
        if self.error:
            raise self.error

    def _run(self) -> None:
        try:
            while not self._over.wait(self._chance.uniform(*PAUSE_S)):
                self._strike()
        except BaseException as error:
            self.error = error

    def _strike(self) -> None:
        chosen = self._draw()
        if self._chance.random() < TWO_AT_ONCE:
            chosen += [each for each in self._draw() if each.name.split()[-1] != chosen[0].name.split()[-1]]
        self._faults = [fault for fault in self._faults if not (fault.once and fault in chosen)]
        with ExitStack() as blocks:
            for fault in chosen:
                if self._is_fair(fault):
                    blocks.enter_context(_Noted(self, fault))

    def _is_fair(self, fault: Fault) -> bool:
        """Tell whether a process has been up for a while, and, of a web server, whether the other one is up."""
        cast = self.deployment.cast
        if not fault.attacks:
            return True
        others = set(WEBS) - {fault.attacks} if fault.attacks in WEBS else set()
        return cast[fault.attacks].is_settled and all(cast[web].ready_since is not None for web in others)

    def _draw(self) -> list[Fault]:
        weights = [fault.weight for fault in self._faults]
        return self._chance.choices(self._faults, weights=weights)

    def open_records(self) -> int | None:
        """Count the open records; None while the database does not answer."""
        try:
            return int(self.deployment.rows(OPEN_RECORDS)[0][0])
        except psycopg.Error:
            return None

    @property
    def chance(self) -> Random:
        """The adversary's source of chance."""
        return self._chance


class _Noted:
    """A fault from its beginning to its end, written down in the history."""

    def __init__(self, adversary: Adversary, fault: Fault) -> None:
        self._adversary, self._fault = adversary, fault
        self._block = fault.block(adversary.deployment, adversary.chance)

    def __enter__(self) -> None:
        met = self._adversary.open_records() if self._fault.kills else None
        self._struck = self._adversary.history.strike(self._fault.name, kills=self._fault.kills, open_records=met)
        self._block.__enter__()

    def __exit__(self, *error: object) -> None:
        self._block.__exit__(None, None, None)
        self._struck.ended_s = self._adversary.history.now_s()
