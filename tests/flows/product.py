"""The whole product, running in processes of its own, with state and ports of its own."""

import signal
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tests import guarded
from tests.environment import free_port
from tests.flows.browser import Browser
from tests.flows.client import Client
from tests.flows.processes import environment, processes_of
from tests.flows.waiting import until
from tests.flows.wire import answers
from tests.servers import SandboxControl

ROOT = Path(__file__).resolve().parents[2]
READY = "rgent is ready: "
START_TIMEOUT_S = 180.0
# The product promises to stop this soon after Ctrl-C.
STOP_TIMEOUT_S = 10.0
# Shorter than in life, so that a test of a call that never comes back need not wait long.
STRIPE_TIMEOUT_S = "2"


P = TypeVar("P", bound="Product")


class Product(ABC):
    """A product with its sandbox. Its output goes to `product.log` beside its state."""

    def __init__(self, *, folder: Path, **variables: str) -> None:
        self.var_dir = folder / "var"
        self.port, self.sandbox_port = free_port(), free_port()
        ports = {"PORT": str(self.port), "SANDBOX_PORT": str(self.sandbox_port), "STRIPE_TIMEOUT_S": STRIPE_TIMEOUT_S}
        self.environ = environment(var_dir=self.var_dir, **{**ports, **variables})
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = SandboxControl(url=f"http://127.0.0.1:{self.sandbox_port}")
        self._log = folder / "product.log"

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it is ready."""

    @abstractmethod
    def stop(self) -> None:
        """Stop everything. Raises AssertionError where something is left behind."""

    def browser(self) -> Browser:
        """Return a browser that has never been here."""
        return Browser(home=self.url)

    def client(self, key: str) -> Client:
        """Return an API client that calls with `key`."""
        return Client(url=self.url, key=key)

    def manage(self, *arguments: str, timeout_s: float = 120.0) -> str:
        """Run a management command and return what it prints. Raises CalledProcessError."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=True, timeout=timeout_s
        )
        return done.stdout

    def run(self, code: str) -> str:
        """Run Python with the product's models at hand, and return what it prints."""
        return self.manage("shell", "--verbosity", "0", "-c", code)

    def rows(self, columns: str, table: str, where: str) -> list[tuple[Any, ...]]:
        """Return what the database holds now, in the order it was made. Every value in `where` is one of ours."""
        with self.database() as connection:
            statement = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY id"  # noqa: S608
            return list(connection.execute(statement).fetchall())

    def count(self, table: str, where: str) -> int:
        """Return how many rows there are now."""
        return len(self.rows("id", table, where))

    def organization_id(self, name: str) -> int:
        """Return the id of an organization."""
        ((found,),) = self.rows("id", "accounts_organization", f"name = '{name}'")
        return int(found)

    def open_records(self) -> int:
        """Return how many usage records wait to be settled."""
        return self.count("billing_usagerecord", "state = 'open'")

    @abstractmethod
    def database(self) -> AbstractContextManager[Any]:
        """Open a connection to the database, to look on while the product works: `connection.execute(...)`."""

    def log(self) -> str:
        """Return the product's output so far; nothing before it is started."""
        with suppress(FileNotFoundError):
            return self._log.read_text(errors="replace")
        return ""

    def is_healthy(self) -> bool:
        """Tell whether the web server answers."""
        return answers(f"{self.url}/health")

    def _spawn(self, *command: str, environ: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return guarded.start(*command, cwd=ROOT, env=environ or self.environ, stdout=log, stderr=log)

    def _assert_nothing_left(self) -> None:
        left = processes_of(self.var_dir)
        assert not left, f"processes outlived the product: {left}"


@contextmanager
def running(product: P) -> Iterator[P]:
    """Run a product until the end of the block."""
    product.start()
    try:
        yield product
    finally:
        product.stop()


class Laptop(Product):
    """The product as one command starts it: everything embedded, supervised by `manage.py up`."""

    def start(self) -> None:
        """Start the supervisor and wait for its greeting."""
        self._log.unlink(missing_ok=True)
        self.supervisor = self._spawn("manage.py", "up")
        try:
            until(self._has_greeted, within_s=START_TIMEOUT_S, why="`manage.py up` did not get ready")
        except AssertionError:
            self._interrupt()
            raise

    def database(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open the file, for reading."""
        path = self.var_dir / "rgent.sqlite3"
        return closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20))

    def stop(self) -> None:
        """Press Ctrl-C."""
        assert self._interrupt() == 0, f"it did not stop well within {STOP_TIMEOUT_S:.0f} s:\n{self.log()[-3000:]}"
        self._assert_nothing_left()

    def _interrupt(self) -> int:
        self.supervisor.send_signal(signal.SIGINT)
        try:
            return self.supervisor.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            return self.supervisor.wait()

    def _has_greeted(self) -> bool:
        assert self.supervisor.poll() is None, f"it ended:\n{self.log()[-3000:]}"
        return READY in self.log()
