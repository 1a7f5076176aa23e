"""The products that journeys run against. Each is started once for all tests of a process, when first needed."""

from collections.abc import Iterator

import pytest

from tests.flows.product import Laptop, Product, running
from tests.flows.servers_product import Servers


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """The product as `./run` starts it. At the end Ctrl-C must leave nothing behind."""
    with running(Laptop(folder=tmp_path_factory.mktemp("laptop"))) as product:
        yield product


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The product on PostgreSQL and Redis, each process by itself."""
    with running(Servers(folder=tmp_path_factory.mktemp("servers"))) as product:
        yield product


@pytest.fixture(
    params=[
        "laptop",
        pytest.param("servers", marks=[pytest.mark.postgres, pytest.mark.redis]),
    ]
)
def product(request: pytest.FixtureRequest) -> Product:
    """The product, embedded and on servers: a test with it runs against both."""
    running: Product = request.getfixturevalue(request.param)
    return running
