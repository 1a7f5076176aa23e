"""Runs rgent's processes as one: sets up, starts all, and ends all."""

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connection

from rgent.checks import failed_checks
from rgent.laptop import processes
from rgent.laptop.database import prepare_database
from rgent.laptop.demo import DEMO_KEY, has_demo, seed_demo
from rgent.laptop.processes import Processes
from rgent.laptop.state_lock import StateLock, Taken

Say = Callable[[str], object]

READY_TIMEOUT_S = 45.0
LOOK_EVERY_S = 0.1
MOST_RESTARTS = 5
RESTART_WINDOW_S = 60.0


class StartFailed(Exception):
    """Something that is needed is missing. The message says what to do."""


class Stopped(BaseException):
    """The user asked to stop. As KeyboardInterrupt it is none of the errors that code in between may handle."""


class Stop:
    """The wish to stop, by SIGINT or SIGTERM.

    Stopped is raised where the signal comes, and at each check after it: one raised within a finalizer is lost.
    """

    def __init__(self) -> None:
        self._is_wished = False
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def check(self) -> None:
        """Raise Stopped where a signal has come."""
        if self._is_wished:
            raise Stopped

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self._is_wished = True
        raise Stopped


def run(*, say: Say) -> None:
    """Set up, start everything, and supervise it until SIGINT or SIGTERM.

    Raises StartFailed.
    """
    running: Processes | None = None
    try:
        stop = Stop()
        _check_settings()
        _keep_state_private()
        running = Processes(lock=_take_lock(say=say))
        _check_ports()
        _start(running, say=say, stop=stop)
        stop.check()
        say(_greeting())
        _supervise(running, say=say, stop=stop)
    except Stopped:
        say("rgent: stopping ...")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if running:
            running.stop()


def _start(running: Processes, *, say: Say, stop: Stop) -> None:
    if settings.SANDBOX:
        running.start("sandbox", processes.sandbox_command())
    prepare_database(say=say, on_step=stop.check)
    _check_demo()
    # The web server takes seconds to start; meanwhile the sandbox is filled. The worker takes as long, and nobody waits
    # for it, so it starts last and slows down neither.
    running.start("web", processes.web_command())
    if settings.SANDBOX:
        _wait_for(f"{settings.SANDBOX_URL}/_sandbox/health", running, stop=stop)
        seed_demo()
    connection.close()
    _wait_for(f"http://127.0.0.1:{settings.PORT}/health", running, stop=stop)
    running.start("worker", processes.worker_command())


def _check_settings() -> None:
    failed = failed_checks()
    if failed:
        raise StartFailed(" ".join(failed))


def _keep_state_private() -> None:
    """Make all state, also that of an older version, readable by its owner alone."""
    os.umask(0o077)
    folder: Path = settings.VAR_DIR
    for path in (folder, *folder.glob("*"), *folder.glob("sandbox/*")):
        with suppress(OSError):  # it is another user's, or gone
            path.chmod(path.stat().st_mode & 0o700)


def _take_lock(*, say: Say) -> StateLock:
    lock = StateLock(folder=settings.VAR_DIR)
    try:
        lock.take(waiting=lambda: say("rgent: ending what an earlier run left behind ..."))
    except Taken as error:
        raise StartFailed(
            f"Another rgent runs on {settings.VAR_DIR}: stop it, or give this one a VAR_DIR, a PORT and a SANDBOX_PORT "
            "of its own."
        ) from error
    return lock


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


def _check_demo() -> None:
    """Refuse real keys on top of the sandbox's state: its demo key and password are public. Raises StartFailed."""
    if not settings.SANDBOX and has_demo():
        raise StartFailed(
            f"{settings.VAR_DIR} holds the sandbox's state, whose demo key is public: set VAR_DIR to another directory."
        )


def _wait_for(url: str, running: Processes, *, stop: Stop) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        stop.check()
        for name, status in running.ended():
            raise StartFailed(f"The {name} process ended ({status}); the lines above may say why.")
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own
            return
        time.sleep(LOOK_EVERY_S)
    raise StartFailed(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s; the lines above may say why.")


def _supervise(running: Processes, *, say: Say, stop: Stop) -> None:
    """Restart processes that die, until one dies too often."""
    restarts: list[float] = []
    while True:
        stop.check()
        for name, status in running.ended():
            restarts = [at for at in restarts if at > time.monotonic() - RESTART_WINDOW_S] + [time.monotonic()]
            if len(restarts) > MOST_RESTARTS:
                raise StartFailed(f"The {name} process ends again and again; the lines above may say why.")
            say(f"rgent: the {name} process ended ({status}); starting it again ...")
            running.restart(name)
        time.sleep(LOOK_EVERY_S)


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
