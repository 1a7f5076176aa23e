"""A killed supervisor leaves no orphan, and the next one ends processes that are left."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rgent.laptop.guarded import GRACE_S
from tests.flows.processes import PROC, processes_of
from tests.flows.product import Laptop
from tests.flows.waiting import until

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="finding a product's processes needs Linux's /proc")


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Laptop]:
    """A product whose supervisor was killed with no chance to tidy up, a moment after the start."""
    product = Laptop(folder=tmp_path)
    product.start()
    yield product
    for pid in processes_of(product.var_dir):
        os.kill(pid, signal.SIGKILL)


def kill_supervisor(product: Laptop) -> None:
    product.supervisor.kill()
    product.supervisor.wait()


def test_what_it_started_ends_with_it(killed: Laptop) -> None:
    assert len(processes_of(killed.var_dir)) > 1

    kill_supervisor(killed)

    until(lambda: not processes_of(killed.var_dir), within_s=GRACE_S + 4, why="processes outlived their supervisor")


def test_the_next_start_waits_for_the_end_of_what_is_left(killed: Laptop) -> None:
    kill_supervisor(killed)

    killed.start()

    assert "ending what an earlier run left behind" in killed.log()
    killed.stop()


def test_the_next_start_ends_a_process_that_hangs(killed: Laptop) -> None:
    hung = [pid for pid, command in processes_of(killed.var_dir).items() if "uvicorn" in command]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    kill_supervisor(killed)

    killed.start()

    assert not set(hung) & set(processes_of(killed.var_dir))
    killed.stop()
