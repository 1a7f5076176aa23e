"""The processes of a laptop: starting each, and ending all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings

from rgent.laptop import guarded
from rgent.laptop.state_lock import StateLock

# All must end within 10 s, of which the supervisor itself needs one or two, or more on a busy machine.
STOP_TIMEOUT_S = 6.0
# The sandbox last, since the others settle through it.
STOP_ORDER = (("web", "worker"), ("sandbox",))


@dataclass(frozen=True, slots=True)
class Child:
    """A process, and the module and arguments that it runs."""

    command: list[str]
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill the process and whatever it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class Processes:
    """The running processes, by name. Each ends with this process, however it ends."""

    lock: StateLock
    _children: dict[str, Child] = field(default_factory=dict)
    _pipe: tuple[int, int] = field(default_factory=os.pipe)

    def start(self, name: str, command: list[str]) -> None:
        """Start a Python module in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        watched, _ = self._pipe
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, guarded.__file__, str(watched), *command],
            start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": WARNINGS},
            cwd=settings.BASE_DIR,
            pass_fds=(watched, self.lock.inherited),
        )
        self._children[name] = Child(command=command, process=process)
        self.lock.note([child.process.pid for child in self._children.values()])

    def ended(self) -> Iterator[tuple[str, int]]:
        """Name the processes that have ended by themselves, with their exit status."""
        for name, child in list(self._children.items()):
            status = child.process.poll()
            if status is not None:
                yield name, status

    def restart(self, name: str) -> None:
        """Start an ended process again, without what it left running."""
        child = self._children[name]
        child.kill()
        self.start(name, child.command)

    def stop(self) -> None:
        """End all processes, by force after STOP_TIMEOUT_S."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for names in STOP_ORDER:
            group = [self._children[name] for name in names if name in self._children]
            for child in group:
                with suppress(ProcessLookupError):
                    child.process.terminate()
            for child in group:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(timeout=max(deadline - time.monotonic(), 0.5))
                child.kill()


# Celery warns of being root, and a laptop's container often has no other user.
WARNINGS = "ignore::UserWarning:celery.platforms"


def sandbox_command() -> list[str]:
    """Return the sandbox's module and arguments."""
    return [
        *("sandbox", "--host", "127.0.0.1", "--port", str(settings.SANDBOX_PORT)),
        *("--data", str(settings.VAR_DIR / "sandbox")),
        *("--webhook-url", f"http://127.0.0.1:{settings.PORT}/webhooks/stripe"),
        *("--webhook-secret", settings.STRIPE_WEBHOOK_SECRET),
    ]


def web_command() -> list[str]:
    """Return the web server's module and arguments."""
    return [
        *("uvicorn", "rgent.asgi:application", "--host", "127.0.0.1", "--port", str(settings.PORT)),
        *("--http", "rgent.http_protocol:BoundedHeadProtocol"),
        *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"),
    ]


def worker_command() -> list[str]:
    """Return the worker's module and arguments; beat is a process of its own below it."""
    command = ["celery", "-A", "rgent", "--quiet", "worker", "-B", "--loglevel", "warning"]
    return [*command, "-P", "threads", "-c", "4", "--without-gossip", "--without-mingle", "--without-heartbeat"]
