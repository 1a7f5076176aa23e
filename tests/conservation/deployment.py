"""The product as production runs it, each link through a proxy: two webs, worker, poster, sender, beat, sandbox."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conservation.cast import Cast, Role
from tests.conservation.engines import OwnPostgres, OwnRedis
from tests.environment import free_port
from tests.flows.processes import environment
from tests.flows.product import ROOT
from tests.flows.waiting import until
from tests.flows.wire import answers
from tests.servers import SandboxControl
from tests.tcp_proxy import TcpProxy

START_TIMEOUT_S = 240.0
WEBS = ("web-1", "web-2")
WORKERS = ("worker", "poster", "sender")
QUEUES = {"worker": "celery", "poster": "posting", "sender": "sending"}


class Deployment:
    """A run's product. `links` are its proxies by the name of the link, `cast` its processes."""

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self.postgres, self.redis = OwnPostgres(folder=folder), OwnRedis(folder=folder)
        self.ports = {name: free_port() for name in WEBS}
        self.sandbox_port = free_port()
        self.sandbox = SandboxControl(url=f"http://127.0.0.1:{self.sandbox_port}")
        self.links: dict[str, TcpProxy] = {}
        self.environ = environment(
            var_dir=folder / "var",
            DATABASE_URL=self.postgres.url,
            REDIS_URL=self.redis.url,
            PORT=str(self.ports["web-1"]),
            SANDBOX_PORT=str(self.sandbox_port),
            STRIPE_TIMEOUT_S="3",
            TRIAL_ONCE_PER_MAILBOX="0",
            LOG_LEVEL="WARNING",
            EMAIL_URL="dummymail://",
        )
        self.cast = Cast([])

    def start(self) -> None:
        """Make and start everything, and wait until it is ready."""
        self.postgres.create()
        self.postgres.start()
        self.redis.start()
        self.manage("migrate", "--verbosity", "0")
        for name in (*WEBS, "workers"):
            self._link(f"{name}-postgres", self.postgres.port)
            self._link(f"{name}-redis", self.redis.port)
            self._link(f"{name}-vendors", self.sandbox_port)
        self._link("stripe-web", self.ports["web-1"])
        self.cast = Cast([self._sandbox(), *map(self._web, WEBS), *map(self._worker, WORKERS), self._beat()])
        self.cast.start()
        until(self.cast.all_ready, within_s=START_TIMEOUT_S, why=f"it did not start:\n{self.log()}")

    def stop(self) -> list[str]:
        """Stop everything; return the processes that did not end in time."""
        late = self.cast.stop()
        for link in self.links.values():
            link.close()
        self.redis.kill()
        self.postgres.kill()
        return late

    def url(self, web: str) -> str:
        """Return the address of one web server."""
        return f"http://127.0.0.1:{self.ports[web]}"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what the database holds now, asked past every proxy."""
        with self.postgres.connect() as connection:
            return list(connection.execute(statement.encode()).fetchall())

    def write(self, *statements: str) -> None:
        """Change rows by hand, as when time has passed."""
        with self.postgres.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def manage(self, *arguments: str, timeout_s: float = 300.0, check: bool = True) -> str:
        """Run a management command past every proxy and return what it prints. Raises CalledProcessError."""
        return self._python("manage.py", *arguments, timeout_s=timeout_s, check=check)

    def provision(self, *arguments: str) -> Any:
        """Run `provision` within the product, and return what it prints, as JSON."""
        return json.loads(self._python("-m", "tests.conservation.provision", *arguments, timeout_s=300.0, check=True))

    def log(self) -> str:
        """Return the end of what the processes said."""
        texts = (path.read_text(errors="replace")[-3000:] for path in sorted(self.folder.glob("web*.log")))
        return "\n".join(texts)

    def _python(self, *arguments: str, timeout_s: float, check: bool) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False, timeout=timeout_s
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout + ("" if done.returncode == 0 else done.stderr[-2000:])

    def _link(self, name: str, port: int) -> None:
        self.links[name] = TcpProxy(host="127.0.0.1", port=port)

    def _through(self, name: str) -> dict[str, str]:
        """Return the environment of a process whose every link is a proxy."""
        postgres, redis, vendors = (self.links[f"{name}-{end}"].port for end in ("postgres", "redis", "vendors"))
        return {
            **self.environ,
            "DATABASE_URL": self.postgres.url.replace(f":{self.postgres.port}/", f":{postgres}/"),
            "REDIS_URL": f"redis://127.0.0.1:{redis}",
            "STRIPE_API_BASE": f"http://127.0.0.1:{vendors}",
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{vendors}",
        }

    def _web(self, name: str) -> Role:
        port = self.ports[name]
        command = (
            *("-m", "uvicorn", "rgent.asgi:application", "--host", "127.0.0.1", "--port", str(port)),
            *("--http", "rgent.http_protocol:BoundedHeadProtocol", "--no-access-log", "--log-level", "warning"),
            *("--timeout-graceful-shutdown", "60"),
        )
        return self._role(name, command, self._through(name), lambda: answers(f"{self.url(name)}/health"))

    def _worker(self, name: str) -> Role:
        command = (
            *("-m", "celery", "-A", "rgent", "--quiet", "worker", "--loglevel", "warning", "--concurrency", "1"),
            *("--queues", QUEUES[name], "--hostname", f"{name}@%h", "--without-gossip", "--without-mingle"),
        )
        return self._role(name, command, self._through("workers"))

    def _beat(self) -> Role:
        command = ("-m", "celery", "-A", "rgent", "--quiet", "beat", "--loglevel", "warning", "--pidfile", "")
        return self._role("beat", command, self._through("workers"))

    def _sandbox(self) -> Role:
        secret = self.manage("shell", "--verbosity", "0", "-c", _TELL_SECRET).strip().splitlines()[-1]
        command = (
            *("-m", "sandbox", "--port", str(self.sandbox_port), "--data", str(self.folder / "sandbox")),
            *("--webhook-url", f"http://127.0.0.1:{self.links['stripe-web'].port}/webhooks/stripe"),
            *("--webhook-secret", secret),
        )
        return self._role("sandbox", command, self.environ, lambda: answers(f"{self.sandbox.url}/_sandbox/health"))

    def _role(
        self,
        name: str,
        command: tuple[str, ...],
        environ: dict[str, str],
        is_ready: Callable[[], bool] = lambda: True,
    ) -> Role:
        return Role(name, command, environ, self.folder / f"{name}.log", is_ready)


_TELL_SECRET = "from django.conf import settings; print(settings.STRIPE_WEBHOOK_SECRET)"
