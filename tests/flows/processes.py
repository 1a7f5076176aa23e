"""The operating system's view of a running product: its processes, and the environment they were started with."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.environment import OF_THE_PRODUCT
from tests.flows.waiting import until

OF_THE_SERVICES = ("DATABASE_URL", "REDIS_URL")
PROC = Path("/proc")
# The supervisor looks twice a second, and starts the worker when the web server answers.
RESTARTED_WITHIN_S = 30.0


def environment(*, var_dir: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a product that keeps its state in `var_dir`: ours, without what would steer it."""
    steering = {*OF_THE_PRODUCT, *OF_THE_SERVICES}
    ours = {name: value for name, value in os.environ.items() if name not in steering}
    return {**ours, "VAR_DIR": str(var_dir), **variables}


def processes_of(var_dir: Path) -> dict[int, str]:
    """Return the command line of every process that was started with this VAR_DIR, by process id."""
    marker = f"VAR_DIR={var_dir}".encode()
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:  # it ended, or is another user's
            continue
        if marker in variables and command:
            found[int(folder.name)] = command
    return found


def signal_all(var_dir: Path, number: signal.Signals, *, running: str) -> None:
    """Send a signal to each of the product's processes whose command line holds `running`, once there is one."""
    if not PROC.is_dir():
        pytest.skip("finding a product's processes needs Linux's /proc")
    found = until(
        lambda: [pid for pid, command in processes_of(var_dir).items() if running in command],
        within_s=RESTARTED_WITHIN_S,
        why=f"no process runs {running!r}",
    )
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_all(var_dir: Path, *, running: str) -> None:
    """Kill these processes, with no chance to tidy up."""
    signal_all(var_dir, signal.SIGKILL, running=running)


@contextmanager
def frozen(var_dir: Path, *, running: str) -> Iterator[None]:
    """Have these processes hang until the end of the block."""
    signal_all(var_dir, signal.SIGSTOP, running=running)
    try:
        yield
    finally:
        signal_all(var_dir, signal.SIGCONT, running=running)
