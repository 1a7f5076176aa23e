"""A supervisor that is interrupted or killed leaves no orphan, and the next one mends and ends what is left."""

import os
import signal
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rgent.laptop.guarded import GRACE_S
from rgent.laptop.supervisor import Stop, Stopped
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


def test_a_start_that_is_interrupted_half_way_is_mended_by_the_next(product: Laptop) -> None:
    with ThreadPoolExecutor() as pool:
        started = pool.submit(product.start)
        until(lambda: "preparing the database" in product.log(), within_s=30, why="it prepared nothing")
        product.stop()
        with pytest.raises(AssertionError, match="it ended"):
            started.result()

    product.start()

    assert product.client("test123").chat().status == 200


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Have the handlers of signals as they were, afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("own_signals")
def test_a_wish_to_stop_that_comes_within_a_finalizer_is_not_lost() -> None:
    stop = Stop()
    weakref.finalize(something := Stopped(), signal.raise_signal, signal.SIGINT)

    del something  # which is finalized here, and nothing is raised

    with pytest.raises(Stopped):
        stop.check()


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
