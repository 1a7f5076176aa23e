"""The processes of a run: each may be killed, ended or paused, and is started again as a supervisor does."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import guarded
from tests.flows.product import ROOT

# A process that has just been started is not attacked again, or a run measures start-ups alone.
SETTLED_AFTER_S = 6.0
LOOK_EVERY_S = 0.1
STOP_TIMEOUT_S = 140.0


@dataclass
class Role:
    """One process of the product: its command, its environment, and whether it is up."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool] = lambda: True
    process: "subprocess.Popen[bytes] | None" = None
    ready_since: float | None = None
    paused: bool = False
    restarts: int = 0
    slowest_start_s: float = 0.0
    _started_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it. The caller waits for `is_ready`."""
        with self.log.open("ab") as log:
            self.process = guarded.start(*self.command, cwd=ROOT, env=dict(self.environ), stdout=log, stderr=log)
        self._started_at, self.ready_since = time.monotonic(), None

    def look(self) -> None:
        """Start it again if it ended, and note when it became ready."""
        with self._lock:
            if self.process is None or self.paused:
                return
            if self.process.poll() is not None:
                self._end_group()
                self.restarts += 1
                self.start()
            elif self.ready_since is None and self.is_ready():
                self.ready_since = time.monotonic()
                self.slowest_start_s = max(self.slowest_start_s, self.ready_since - self._started_at)

    @property
    def is_settled(self) -> bool:
        """Whether it has been up for a while."""
        since = self.ready_since
        return since is not None and not self.paused and time.monotonic() - since > SETTLED_AFTER_S

    def kill(self) -> None:
        """Kill -9 it and what it started."""
        with self._lock:
            self.ready_since = None
            self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end, as a deploy does."""
        with self._lock:
            self.ready_since = None
            if self.process:
                self.process.terminate()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have it hang until the end of the block."""
        self.paused = True
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)
            self.paused = False

    def end(self) -> bool:
        """End it for good; return whether it ended by itself in time."""
        with self._lock:
            process, self.process = self.process, None
        if process is None:
            return True
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return True

    def _end_group(self) -> None:
        self._signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Cast:
    """All processes of a run, watched by a thread."""

    def __init__(self, roles: list[Role]) -> None:
        self.roles = {role.name: role for role in roles}
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep_up, daemon=True)

    def __getitem__(self, name: str) -> Role:
        return self.roles[name]

    def start(self) -> None:
        """Start each, and see to it that each stays."""
        for role in self.roles.values():
            role.start()
        self._watch.start()

    def stop(self) -> list[str]:
        """End all; return the names of those that had to be killed."""
        self._over.set()
        self._watch.join()
        ended: dict[str, bool] = {}
        threads = [
            threading.Thread(target=lambda role=role: ended.update({role.name: role.end()}))  # type: ignore[misc]
            for role in self.roles.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(name for name, in_time in ended.items() if not in_time)

    def all_ready(self) -> bool:
        """Tell whether every process is up."""
        return all(role.ready_since is not None for role in self.roles.values())

    def _keep_up(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for role in self.roles.values():
                role.look()
