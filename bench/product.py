"""The running product of `bench.metering`: its processes as docker-compose.yml has them, before a slow Stripe."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from bench import backing
from bench.processes import ROOT, background, free_port, server

CALL_TAKES_S = 0.15
PATIENCE_S = 600.0
CELERY = [sys.executable, "-m", "celery", "--app", "rgent", "--quiet"]
# Processes of a worker, and the queue it takes from.
WORKERS = {"poster": (1, "posting"), "sender": (2, "sending"), "worker": (1, "celery")}

WAITING = "SELECT count(*) FROM billing_meterevent WHERE state IN ('pending', 'sending')"
UNPOSTED = "SELECT count(*) FROM billing_usagerecord WHERE state = 'settled' AND posted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Product:
    """The running product: its database, its sandbox, and the environment of its processes."""

    database_url: str
    sandbox_port: int
    folder: Path
    environ: dict[str, str] = field(repr=False)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start `bench.metered`, the part that runs inside the product."""
        command = [sys.executable, "-m", "bench.metered", *arguments]
        with (self.folder / "metered.log").open("ab") as log:
            return subprocess.Popen(command, env=self.environ, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    @contextmanager
    def calling(self, *, number: int, for_s: float) -> Iterator[None]:
        """Have customers call, at most `number` times, until the end of the block."""
        calls = self._start("calls", str(number), str(for_s))
        try:
            yield
        finally:
            calls.terminate()
            calls.wait()

    def finish(self, *arguments: str) -> None:
        """Run it to its end. Raises SystemExit."""
        if self._start(*arguments).wait():
            raise SystemExit(f"bench.metered {' '.join(arguments)} failed: {self.folder / 'metered.log'} tells why")

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, values).fetchall()

    def wait_until_all_is_sent(self) -> None:
        """Wait until no record and no meter event waits. Raises SystemExit after PATIENCE_S."""
        deadline = time.monotonic() + PATIENCE_S
        while self.ask(UNPOSTED)[0][0] or self.ask(WAITING)[0][0]:
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.ask(WAITING)[0][0]} meter events still wait after {PATIENCE_S:g} s")
            time.sleep(0.5)

    def stripe(self, path: str, form: dict[str, Any] | None = None) -> Any:
        """Call the sandbox: its Stripe with a form, or its control API with JSON."""
        is_control = path.startswith("/_sandbox")
        encoded = None if form is None else (json.dumps(form) if is_control else urlencode(form)).encode()
        kind = "application/json" if is_control else "application/x-www-form-urlencoded"
        headers = {"authorization": f"Bearer sk_test_{'sandbox0' * 4}", "content-type": kind}
        url = f"http://127.0.0.1:{self.sandbox_port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data=encoded, headers=headers)) as answer:
            return json.load(answer)


@contextmanager
def started(*, customers: int, folder: Path) -> Iterator[Product]:
    """Start everything, with customers whose usage is billed; stop it at the end of the block."""
    cores = os.sched_getaffinity(0)
    with ExitStack() as stack:
        database_url = stack.enter_context(backing.database(stack.enter_context(backing.postgres(cores=cores))))
        redis_url = stack.enter_context(backing.redis(cores=cores, log=folder / "redis.log"))
        port = free_port()
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(folder / f"sandbox-{port}")]
        stack.enter_context(server(command, port=port, cores=cores, log=folder / "sandbox.log"))
        product = Product(database_url, port, folder, _environ(database_url, redis_url, port=port, folder=folder))
        _prepare(product, customers=customers)
        for name, command in _commands(folder / f"beat-{port}"):
            stack.enter_context(background(command, log=folder / f"{name}.log", environ=product.environ))
        yield product


def _environ(database_url: str, redis_url: str, *, port: int, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SANDBOX_PORT": str(port),
        "VAR_DIR": str(folder),
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "rgent.settings",
    }


def _commands(schedule: Path) -> Iterator[tuple[str, list[str]]]:
    for name, (processes, queue) in WORKERS.items():
        options = f"--concurrency {processes} --queues {queue} --hostname {name}@%h --without-gossip --without-mingle"
        yield name, [*CELERY, "worker", *options.split()]
    yield "beat", [*CELERY, "beat", "--pidfile", "", "--schedule", str(schedule)]


def _prepare(product: Product, *, customers: int) -> None:
    """Make the customers here and at Stripe, which is fast until then."""
    migrate = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"]
    subprocess.run(migrate, env=product.environ, cwd=ROOT, check=True)
    ids = [product.stripe("/v1/customers", {"name": f"Bench {place}"})["id"] for place in range(customers)]
    (product.folder / "customers").write_text("\n".join(ids))
    product.finish("customers", str(product.folder / "customers"))
    product.stripe("/_sandbox/faults", {"effect": "slow", "path": "/v1/*", "delay_s": CALL_TAKES_S, "times": None})
