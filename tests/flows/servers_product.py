"""The product as production runs it: PostgreSQL, Redis, each process by itself. Stripe and Claude are the sandbox."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.environment import claim_redis_database, free_port, give_redis_back, with_path
from tests.flows.product import START_TIMEOUT_S, STOP_TIMEOUT_S, Product
from tests.flows.waiting import until
from tests.flows.wire import answers

WEB_WORKERS = "2"


class Servers(Product):
    """Web, worker and beat as processes of their own, on a database of its own in each server."""

    def __init__(self, *, folder: Path) -> None:
        self._database = f"rgent_flow_{uuid.uuid4().hex[:12]}"
        self._redis_url = claim_redis_database(os.environ["REDIS_URL"])
        super().__init__(
            folder=folder,
            DATABASE_URL=with_path(os.environ["DATABASE_URL"], self._database),
            REDIS_URL=self._redis_url,
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Migrate, publish the plans, and start everything."""
        _execute("CREATE DATABASE {}", self._database)
        self.manage("migrate", "--verbosity", "0")
        self._start("-m", "sandbox", *self._sandbox_options())
        until(
            lambda: answers(f"{self.sandbox.url}/_sandbox/health"),
            within_s=START_TIMEOUT_S,
            why=f"no sandbox:\n{self.log()}",
        )
        self.manage("setup_stripe_products")
        self._start("-m", "uvicorn", "rgent.asgi:application", "--port", str(self.port), "--workers", WEB_WORKERS)
        for queue in ("celery", "posting", "sending"):
            self._start(
                *("-m", "celery", "-A", "rgent", "worker", "--concurrency", "1", "--loglevel", "warning"),
                *("--queues", queue, "--hostname", f"{queue}@%h"),
            )
        self._start("-m", "celery", "-A", "rgent", "beat", "--loglevel", "warning")
        until(self.is_healthy, within_s=START_TIMEOUT_S, why=f"no web server:\n{self.log()}")

    def stop(self) -> None:
        """Ask each process to end, as a container's stop does, and drop what was made in the servers."""
        for process in reversed(self._processes):
            process.terminate()
        late = [process.args for process in self._processes if not _ended(process)]
        _execute("DROP DATABASE {} WITH (FORCE)", self._database)
        give_redis_back(self._redis_url)
        assert not late, f"did not stop within {STOP_TIMEOUT_S:.0f} s: {late}\n{self.log()[-3000:]}"
        self._assert_nothing_left()

    def database(self) -> AbstractContextManager[psycopg.Connection]:
        """Connect to the database; every statement sees what is committed by then."""
        return psycopg.connect(self.environ["DATABASE_URL"], autocommit=True)

    @contextmanager
    def another_web_server(self, **variables: str) -> Iterator[str]:
        """Run one more web server on the same database, in another environment; its address."""
        port = free_port()
        environ = {**self.environ, **variables}
        process = self._spawn("-m", "uvicorn", "rgent.asgi:application", "--port", str(port), environ=environ)
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: answers(f"{url}/health"), within_s=START_TIMEOUT_S, why=f"no web server:\n{self.log()}")
            yield url
        finally:
            process.terminate()
            assert _ended(process)

    def _start(self, *command: str) -> None:
        self._processes.append(self._spawn(*command))

    def _sandbox_options(self) -> list[str]:
        secret = "whsec_" + (self.var_dir / "webhook_secret").read_text().strip()
        return [
            *("--port", str(self.sandbox_port), "--data", str(self.var_dir / "sandbox")),
            *("--webhook-url", f"{self.url}/webhooks/stripe", "--webhook-secret", secret),
        ]


def _execute(statement: str, database: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(database)))


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True
