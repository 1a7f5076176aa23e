"""A worker of production outlives the restarts of its broker, with tasks in its hands."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from rgent import celery_app
from tests import guarded
from tests.environment import free_port
from tests.flows.waiting import until
from tests.production.files import ROOT, SERVICES

pytestmark = pytest.mark.redis
TAKES_WITHIN_S = 120.0  # Celery waits up to 30 s between two tries to connect, and a busy machine doubles that
TASK = "billing.tasks.send_spending_alerts"
MANY = f"from rgent.celery import app\nfor _ in range(300):\n    app.send_task({TASK!r})\n"


class Broker:
    """A Redis of the test's own, which may be killed."""

    def __init__(self, *, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.client = redis.Redis(port=self.port)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the end of the block, then kill it."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder)]
        server = guarded.start("-m", "tests.program", "redis-server", *options, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            until(self.answers, within_s=10, why="no Redis")
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def is_drained(self) -> bool:
        """Tell whether every message was taken and is done with."""
        return not self.client.llen("celery") and not self.client.hlen("unacked")


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    if not shutil.which("redis-server"):
        pytest.skip("needs the program redis-server")
    return Broker(folder=tmp_path)


def environ(tmp_path: Path, broker: Broker) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**ours, "VAR_DIR": str(tmp_path / "var"), "REDIS_URL": f"redis://127.0.0.1:{broker.port}/0"}


def send_many(variables: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", MANY], cwd=ROOT, env=variables, check=True)


def test_a_worker_goes_on_after_each_restart_of_redis(tmp_path: Path, broker: Broker) -> None:
    variables = environ(tmp_path, broker)
    options = SERVICES["worker"]["command"].partition(" worker ")[2].replace("${WORKER_CONCURRENCY:-2}", "2")
    command = ["--app", "rgent", "--quiet", "worker", *options.split(" --hostname")[0].split()]
    log = (tmp_path / "worker.log").open("w")
    worker = guarded.start("-m", "celery", *command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        for pause_s in (0.0, 3.0):
            with broker.running():
                send_many(variables)
                until(broker.is_drained, within_s=TAKES_WITHIN_S, why="the worker takes no tasks")
                send_many(variables)  # some of them are in the worker's hands when Redis goes
            time.sleep(pause_s)
            assert worker.poll() is None
        with broker.running():
            send_many(variables)
            until(broker.is_drained, within_s=TAKES_WITHIN_S, why="the worker takes no tasks after the last restart")
    finally:
        worker.kill()
        worker.wait()
        log.close()


def test_a_channel_without_its_connection_says_so_in_celerys_words() -> None:
    connection = celery_app.connection_for_read()
    channel = connection.channel()
    connection.release()
    channel._pool = None  # it was closed with the connection

    with pytest.raises(connection.connection_errors), channel.conn_or_acquire():
        pass
