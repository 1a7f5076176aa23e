"""The ground of all tests: a real sandbox, a real web server, a real database."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.conf import settings
from stripe import HTTPClient, StripeClient

from tests.sandbox.running import client
from tests.servers import SandboxServer


def pytest_configure() -> None:
    """Leave out waits that tests have no use for.

    Static files are not served, since each new client of Django's would look for all of them. Stripe's SDK waits half a
    second before it repeats a call that failed.
    """
    settings.SERVESTATIC_USE_FINDERS = False
    HTTPClient.INITIAL_DELAY = 0.01


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Keep SQLite's test database in a file: the threads of the product share it, as they do in life.

    On PostgreSQL every process of the run has a database of its own, by a suffix.
    """
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(Path(settings.VAR_DIR) / "test.sqlite3")
        # A test database need not survive a power cut.
        database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The sandbox, started once for all tests of this process."""
    server = SandboxServer.start(data=tmp_path_factory.mktemp("sandbox"))
    yield server
    server.stop()


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    """The sandbox, empty, with no faults and its clock at wall time."""
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def stripe(sandbox: SandboxServer) -> StripeClient:
    """Stripe, as anybody with the key sees it."""
    return client(sandbox.url)


@pytest.fixture(autouse=True)
def wall_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests without a sandbox on wall time: another test may have moved the clock of the one that runs."""
    if "sandbox" not in request.fixturenames:
        monkeypatch.setattr(settings, "BILLING_CLOCK_URL", "")


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget price lists, limits and terms: here rows with the same ids come and go."""
    from accounts.projects import forget_projects
    from billing.ledger import known_terms
    from billing.limits.gate import forget_limits
    from billing.limits.side_calls import forget_side_calls
    from billing.limits.stops import forget_stops
    from billing.plans.price_lists import forget_price_lists
    from billing.plans.retirements import forget_retirements
    from billing.subscriptions.catching_up import forget_looks

    known_terms.forget_all()
    forget_projects()
    forget_price_lists()
    forget_retirements()
    forget_limits()
    forget_side_calls()
    forget_stops()
    forget_looks()


@pytest.fixture(scope="session")
def no_connection_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End, before PostgreSQL's test database is dropped, the sessions that threads of this process still have."""
    yield
    from django.db import connection

    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture
def committing_db(transactional_db: None, no_connection_left: None) -> None:
    """The database as the product has it: every thread commits, and sees what the others committed."""


@pytest.fixture(scope="session")
def api_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The product's web server in a thread, on the test database; its address."""
    from rgent.asgi import application

    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=settings.PORT,
        http="rgent.http_protocol:BoundedHeadProtocol",
        lifespan="on",
        log_level="warning",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    with django_db_blocker.unblock():  # its threads connect before it accepts
        thread.start()
        while not server.started:
            time.sleep(0.01)
    yield f"http://127.0.0.1:{settings.PORT}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def api(api_server: str, sandbox: SandboxServer, committing_db: None) -> str:
    """The address of the API, with an empty sandbox behind it and a database that commits."""
    return api_server
