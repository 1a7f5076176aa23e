"""Processes of a run: started on a core of their own, watched for CPU and memory, and stopped."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
ROOT = Path(__file__).resolve().parent.parent
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A process ended, or did not listen in time. The message ends with its output."""


class Server:
    """A process that listens on a port of loopback, and its children."""

    def __init__(self, *, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def pids(self) -> list[int]:
        """Return the ids of the process and all below it."""
        found = [self.process.pid]
        for pid in found:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_s(self) -> float:
        """Return the CPU time that it and its children have used so far, in seconds."""
        return sum(_ticks(pid) for pid in self.pids()) / TICKS_A_SECOND

    def resident_mb(self) -> float:
        """Return the memory that it and its children have resident, shared pages counted once, in megabytes."""
        return sum(_proportional_kb(pid) for pid in self.pids()) / 1024

    def wait_until_listening(self) -> None:
        """Wait for the port. Raises DidNotStart."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.1)
        raise DidNotStart(f"{self.process.args!r}\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def server(
    command: Sequence[str],
    *,
    port: int,
    cores: set[int],
    log: Path,
    environ: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[Server]:
    """Run a server on some cores until the end of the block. Raises DidNotStart."""
    with log.open("wb") as output, _on(cores):
        process = subprocess.Popen(
            command,
            env=dict(environ or os.environ),
            cwd=ROOT,
            user=user,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    started = Server(process=process, port=port, log=log)
    try:
        started.wait_until_listening()
        yield started
    finally:
        started.stop()


@contextmanager
def background(command: Sequence[str], *, log: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Run a process that listens on no port until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environ), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        Server(process=process, port=0, log=log).stop()


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """Move to the given cores for the block; processes started within stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ticks(pid: int) -> int:
    """Return a process's user and system time (proc(5), fields 14 and 15 of `stat`)."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _proportional_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
