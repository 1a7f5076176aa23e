"""Fixtures that tests of the ledger share."""

from collections.abc import Iterator

import pytest

from billing.ledger import group_commit


@pytest.fixture
def fresh_thread(committing_db: None) -> Iterator[None]:
    """Have each test start the writing thread, on a database that commits."""
    group_commit.stop()
    yield
    group_commit.stop()
