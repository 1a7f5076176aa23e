"""A killed supervisor leaves no orphan, and the next one ends processes that are left."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rgent.laptop.guarded import GRACE_S
from tests.flows.processes import PROC, frozen, processes_of
from tests.flows.product import Laptop
from tests.flows.waiting import until

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="finding a product's processes needs Linux's /proc")

LEFT_BEHIND = "ending what an earlier run left behind"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A product whose state the starts of all tests share, so that the database is prepared once."""
    product = Laptop(folder=tmp_path_factory.mktemp("killed"))
    yield product
    for pid in processes_of(product.var_dir):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def killed(product: Laptop) -> Laptop:
    """A running product, whose supervisor will be killed with no chance to tidy up."""
    if not processes_of(product.var_dir):
        product.start()
    return product


def kill_supervisor(product: Laptop) -> None:
    product.supervisor.kill()
    product.supervisor.wait()


def test_what_it_started_ends_with_it(killed: Laptop) -> None:
    assert len(processes_of(killed.var_dir)) > 1

    kill_supervisor(killed)

    until(lambda: not processes_of(killed.var_dir), within_s=GRACE_S + 4, why="processes outlived their supervisor")


def test_the_next_start_waits_for_the_end_of_what_is_left(killed: Laptop) -> None:
    with ThreadPoolExecutor() as pool:
        with frozen(killed.var_dir, running="sandbox"):  # so that it takes longer to end than a start on a slow machine
            kill_supervisor(killed)
            started = pool.submit(killed.start)
            until(lambda: LEFT_BEHIND in killed.log(), within_s=20, why="the next start did not wait")
        started.result()


def test_the_next_start_ends_a_process_that_hangs(killed: Laptop) -> None:
    hung = [pid for pid, command in processes_of(killed.var_dir).items() if "uvicorn" in command]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    kill_supervisor(killed)

    killed.start()

    assert not set(hung) & set(processes_of(killed.var_dir))
    killed.stop()
