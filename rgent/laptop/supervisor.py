"""Runs rgent's processes as one: set-up, start, and an end in which none is left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from rgent.laptop.demo import DEMO_KEY, has_demo, seed_demo

Say = Callable[[str], object]

READY_TIMEOUT_S = 45.0
# Of the 10 s in which all must have ended the supervisor itself needs one or two, on a busy machine more.
STOP_TIMEOUT_S = 6.0
LOOK_EVERY_S = 0.1
MOST_RESTARTS = 5
RESTART_WINDOW_S = 60.0


class StartFailed(Exception):
    """Something that is needed is missing. The message says what to do."""


class Stopped(Exception):
    """The user asked for the end."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process, and the command that starts it."""

    command: list[str]
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, command: list[str]) -> "Child":
        """Start a process in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        process = subprocess.Popen(command, start_new_session=True, cwd=settings.BASE_DIR)  # noqa: S603 - our own
        return cls(command=command, process=process)


def run(*, say: Say) -> None:
    """Set up, start everything, and supervise it until SIGINT or SIGTERM.

    Raises StartFailed.
    """
    _catch_signals()
    processes: dict[str, Child] = {}
    try:
        _check_ports()
        if settings.SANDBOX:
            processes["sandbox"] = Child.start(_sandbox_command())
        _migrate(say=say)
        _check_demo()
        # It takes seconds to start, in which the sandbox is filled. The worker, which takes as long and which nobody
        # waits for, follows, so that they do not slow each other down.
        processes["web"] = Child.start(_web_command())
        if settings.SANDBOX:
            _wait_for(f"{settings.SANDBOX_URL}/_sandbox/health", processes)
            seed_demo()
        connection.close()
        _wait_for(f"http://127.0.0.1:{settings.PORT}/health", processes)
        processes["worker"] = Child.start(_worker_command())
        say(_greeting())
        _supervise(processes, say=say)
    except Stopped:
        say("rgent: stopping ...")
    finally:
        _stop(processes)


def _catch_signals() -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _check_ports() -> None:
    ports = {"PORT": settings.PORT}
    if settings.SANDBOX:
        ports["SANDBOX_PORT"] = settings.SANDBOX_PORT
    if len(set(ports.values())) < len(ports):
        raise StartFailed("PORT and SANDBOX_PORT are the same: give them different values.")
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise StartFailed(
                    f"Port {port} is in use: stop what uses it, or choose another with {name}=...: {error.strerror}."
                ) from error


def _migrate(*, say: Say) -> None:
    say("rgent: preparing the database ...")
    call_command("migrate", verbosity=0, interactive=False)


def _check_demo() -> None:
    """Refuse real keys on top of the sandbox's state: its demo key and password are public. Raises StartFailed."""
    if not settings.SANDBOX and has_demo():
        raise StartFailed(
            f"{settings.VAR_DIR} holds the sandbox's state, whose demo key is public: set VAR_DIR to another directory."
        )


def _sandbox_command() -> list[str]:
    return [
        *(sys.executable, "-m", "sandbox", "--host", "127.0.0.1", "--port", str(settings.SANDBOX_PORT)),
        *("--data", str(settings.VAR_DIR / "sandbox")),
        *("--webhook-url", f"http://127.0.0.1:{settings.PORT}/webhooks/stripe"),
        *("--webhook-secret", settings.STRIPE_WEBHOOK_SECRET),
    ]


def _web_command() -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "rgent.asgi:application", "--host", "127.0.0.1"),
        *("--port", str(settings.PORT), "--http", "rgent.http_protocol:BoundedHeadProtocol"),
        *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"),
    ]


def _worker_command() -> list[str]:
    # It warns of being root, and a laptop's container often has no other user.
    python = [sys.executable, "-W", "ignore::UserWarning:celery.platforms"]
    command = [*python, "-m", "celery", "-A", "rgent", "--quiet", "worker", "-B", "--loglevel", "warning"]
    return [*command, "-P", "threads", "-c", "4", "--without-gossip", "--without-mingle", "--without-heartbeat"]


def _wait_for(url: str, processes: dict[str, Child]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        _check_alive(processes)
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own
            return
        time.sleep(LOOK_EVERY_S)
    raise StartFailed(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s; the lines above may say why.")


def _supervise(processes: dict[str, Child], *, say: Say) -> None:
    """Start again what dies, until it dies too often."""
    restarts: list[float] = []
    while True:
        for name, child in processes.items():
            status = child.process.poll()
            if status is None:
                continue
            restarts = [at for at in restarts if at > time.monotonic() - RESTART_WINDOW_S] + [time.monotonic()]
            if len(restarts) > MOST_RESTARTS:
                raise StartFailed(f"The {name} process ends again and again; the lines above may say why.")
            say(f"rgent: the {name} process ended ({status}); starting it again ...")
            _kill_group(child)
            processes[name] = Child.start(child.command)
        time.sleep(LOOK_EVERY_S)


def _check_alive(processes: dict[str, Child]) -> None:
    for name, child in processes.items():
        if child.process.poll() is not None:
            raise StartFailed(f"The {name} process ended ({child.process.returncode}); the lines above may say why.")


def _stop(processes: dict[str, Child]) -> None:
    """End all processes: the sandbox last, since the others settle through it; by force after STOP_TIMEOUT_S."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for names in (("web", "worker"), ("sandbox",)):
        group = [processes[name] for name in names if name in processes]
        for child in group:
            with suppress(ProcessLookupError):
                child.process.terminate()
        for child in group:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(deadline - time.monotonic(), 0.5))
            _kill_group(child)


def _kill_group(child: Child) -> None:
    """Kill a process and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()


def _greeting() -> str:
    lines = ["", f"rgent is ready: {settings.PUBLIC_URL}"]
    if settings.SANDBOX:
        lines += [
            f"The sandbox (Stripe, Claude, the clock): {settings.SANDBOX_URL}",
            "Try it:",
            f"""  curl -X POST http://127.0.0.1:{settings.PORT}/chat -H "Content-Type: application/json" """
            f"""-d '{{"access_code": "{DEMO_KEY}", "prompt": "Hello world"}}'""",
        ]
    return "\n".join(lines) + "\n"
