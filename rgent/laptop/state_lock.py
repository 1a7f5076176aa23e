"""The lock on VAR_DIR: one supervisor at a time, and none while processes of an earlier one are still ending.

Two locks of the operating system, which frees them however their holders end. The supervisor alone holds the first.
All processes it starts inherit the second, whose file holds their process groups.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rgent.laptop import guarded

# Processes whose supervisor was killed end within guarded.GRACE_S by themselves.
WAIT_S = guarded.GRACE_S + 4.0
LOOK_EVERY_S = 0.1


class Taken(Exception):
    """Another supervisor runs on this directory."""


class StateLock:
    """Held until the process ends."""

    def __init__(self, *, folder: Path) -> None:
        self._supervisor = _open(folder / "supervisor.lock")
        self._children = _open(folder / "processes.lock")

    @property
    def inherited(self) -> int:
        """The file descriptor that every child keeps open."""
        return self._children

    def take(self, *, waiting: Callable[[], object]) -> None:
        """Take both locks. Where a killed supervisor left processes, call `waiting` and see to it that they end.

        Raises Taken.
        """
        if not _lock(self._supervisor):
            raise Taken
        if _lock(self._children):
            return
        waiting()
        deadline = time.monotonic() + WAIT_S
        while not _lock(self._children):
            if time.monotonic() > deadline:
                self._kill_leftovers()
            time.sleep(LOOK_EVERY_S)

    def note(self, groups: list[int]) -> None:
        """Write down the process groups that run now, for a later supervisor."""
        os.ftruncate(self._children, 0)
        os.pwrite(self._children, " ".join(map(str, groups)).encode(), 0)

    def _kill_leftovers(self) -> None:
        """Kill the processes that were written down and still run the guard: a hung one does not end by itself."""
        for group in os.pread(self._children, 1000, 0).split():
            if _is_guarded(int(group)):
                with suppress(ProcessLookupError):
                    os.killpg(int(group), signal.SIGKILL)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_guarded(process: int) -> bool:
    """Tell whether this number is still one of our processes: numbers are given again."""
    command = ["ps", "-o", "command=", "-p", str(process)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - numbers of our own
    return guarded.__file__ in listed.stdout
