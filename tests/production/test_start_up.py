"""All that the first request needs is there when the web server accepts it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from common.database import THREADS
from tests.flows.processes import environment
from tests.production.files import ROOT
from tests.production.start_up import HEAVY


def start_up(var_dir: Path, **variables: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.production.start_up"],
        cwd=ROOT,
        env=environment(var_dir=var_dir, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_it_has_loaded_everything_and_connected_every_thread_when_it_accepts(tmp_path: Path) -> None:
    database = {"DATABASE_URL": os.environ["DATABASE_URL"]} if "DATABASE_URL" in os.environ else {}

    found = start_up(tmp_path, **database)

    assert found["loaded"] == sorted(HEAVY)
    assert found["connected"] == [*(f"database_{number}" for number in range(THREADS)), "group-commit"]


def test_it_accepts_although_the_database_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        found = start_up(tmp_path, DATABASE_URL=f"postgres://rgent@127.0.0.1:{hung.getsockname()[1]}/rgent")

    assert found == {"loaded": sorted(HEAVY), "connected": []}
