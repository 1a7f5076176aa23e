"""The script that tells whether a container is healthy."""

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.production.files import DOCKERFILE, ROOT

SCRIPT = ROOT / "docker" / "healthcheck.py"


class Portal(http.server.BaseHTTPRequestHandler):
    """A web server that serves one host, as Django does."""

    host: ClassVar[str] = "rgent.example.com"

    def do_GET(self) -> None:
        known = self.headers["Host"] == self.host and self.path == "/health"
        self.send_response(200 if known else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def ask(what: str, *, port: int = 1, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script; a container's port 8000 is one of this machine here."""
    script = SCRIPT.read_text()
    assert "PORT = 8000" in script
    return subprocess.run(
        [sys.executable, "-c", script.replace("PORT = 8000", f"PORT = {port}"), what],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_web_server_that_answers_under_its_host_is_healthy(portal: int) -> None:
    assert ask("web", port=portal, PUBLIC_URL="https://rgent.example.com").returncode == 0


def test_a_web_server_that_refuses_is_not(portal: int) -> None:
    answer = ask("web", port=portal, PUBLIC_URL="https://other.example.com")

    assert answer.returncode == 1
    assert "/health answers 400" in answer.stderr


def test_a_web_server_that_is_gone_is_not() -> None:
    answer = ask("web", PUBLIC_URL="https://rgent.example.com")

    assert answer.returncode == 1
    assert "does not answer" in answer.stderr


@pytest.mark.parametrize(("silence_s", "healthy"), [(0, True), (200, True), (400, False)])
def test_beat_is_healthy_while_it_saves_its_schedule(tmp_path: Path, silence_s: int, healthy: bool) -> None:
    schedule = tmp_path / "celerybeat-schedule.dat"
    schedule.touch()
    os.utime(schedule, (time.time() - silence_s,) * 2)

    answer = ask("beat", VAR_DIR=str(tmp_path))

    assert (answer.returncode == 0) == healthy, answer.stderr


def test_beat_without_a_schedule_is_not_healthy(tmp_path: Path) -> None:
    assert "no schedule" in ask("beat", VAR_DIR=str(tmp_path)).stderr


def test_the_script_asks_the_port_the_image_serves_on() -> None:
    assert '"--port", "8000"' in DOCKERFILE
