"""A PostgreSQL and a Redis of the run's own, which may be killed, restarted, stopped and hung."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psycopg
import redis

from tests.environment import free_port

START_TIMEOUT_S = 60.0
AS_ROOT = os.geteuid() == 0


class Engine(Protocol):
    """A server that the adversary handles."""

    port: int

    def start(self) -> None:
        """Start it, and wait until it answers."""

    def stop(self) -> None:
        """Stop it in good order."""

    def kill(self) -> None:
        """Kill it with all of its processes, with no chance to tidy up."""

    def pids(self) -> list[int]:
        """Return the ids of its processes."""


@contextmanager
def hung(engine: Engine) -> Iterator[None]:
    """Have a server hang until the end of the block: connections stay, and nothing answers."""
    stopped = engine.pids()
    _signal(stopped, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal([*stopped, *engine.pids()], signal.SIGCONT)


class OwnPostgres:
    """A cluster in a directory of its own. It survives the death of its processes; no power is cut here."""

    def __init__(self, *, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder / "postgres"
        self._data = self._folder / "data"
        self._bin = _postgres_folder()

    @property
    def url(self) -> str:
        """The database's address."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the cluster."""
        self._folder.mkdir()
        if AS_ROOT:
            shutil.chown(self._folder, user="postgres")
        self._run("initdb", "--auth", "trust", "--username", "postgres", "--no-sync", str(self._data))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off -c max_connections=200"
        self._run(
            "pg_ctl", "--pgdata", str(self._data), "--log", str(self._folder / "log"), "--options", options, "start"
        )

    def stop(self) -> None:
        """Stop it in good order: sessions are ended, transactions rolled back."""
        self._run("pg_ctl", "--pgdata", str(self._data), "--mode", "fast", "stop")

    def kill(self) -> None:
        """Kill all of its processes, and wait until they are gone: the next start needs their memory."""
        killed = self.pids()
        _signal(killed, signal.SIGKILL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while any(Path(f"/proc/{pid}").exists() for pid in killed):
            assert time.monotonic() < deadline, "PostgreSQL outlives kill -9"
            time.sleep(0.02)

    def pids(self) -> list[int]:
        """Return the postmaster's id and those of its children."""
        with suppress(OSError, ValueError, IndexError):
            postmaster = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
            return [postmaster, *map(int, children)]
        return []

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect, past every proxy."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as a user that is not root."""
        become = ["runuser", "-u", "postgres", "--"] if AS_ROOT else []
        command = [*become, str(self._bin / program), *arguments]
        subprocess.run(command, check=True, timeout=START_TIMEOUT_S, stdout=subprocess.DEVNULL, cwd="/")


class OwnRedis:
    """A Redis that keeps nothing: what it loses must not matter."""

    def __init__(self, *, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with suppress(redis.RedisError), redis.Redis.from_url(self.url) as server:
                server.ping()
                return
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self._end(signal.SIGKILL)

    def pids(self) -> list[int]:
        """Return its process id."""
        return [self._process.pid] if self._process and self._process.poll() is None else []

    def empty(self) -> None:
        """Delete all that it holds."""
        with redis.Redis.from_url(self.url, socket_timeout=5) as server:
            server.flushall()

    def _end(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait()


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _postgres_folder() -> Path:
    """Return the folder of PostgreSQL's own programs, which Debian keeps off the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    assert folders, "There is no PostgreSQL here: install the package postgresql."
    return folders[-1].parent
