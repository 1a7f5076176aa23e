"""A test run that is killed leaves no process behind."""

import subprocess
import sys
from pathlib import Path

from rgent.laptop.guarded import GRACE_S
from tests.flows.product import ROOT
from tests.flows.waiting import until
from tests.flows.wire import answers

RUN = """
import time
import tests.environment
import django

django.setup()
from tests.servers import SandboxServer

server = SandboxServer.start(data={folder!r})
print("at", server.url, flush=True)
time.sleep(600)
"""


def test_its_sandbox_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN.format(folder=str(tmp_path))]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout
    address = next(line.split()[1] for line in run.stdout if line.startswith("at "))
    health = f"{address}/_sandbox/health"
    assert answers(health)

    run.kill()
    run.communicate()

    until(lambda: not answers(health), within_s=GRACE_S + 4, why="the sandbox outlived the run")
