"""Fixtures that tests of accounts share: limits that begin at zero, and the log of the app."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nobody_was_counted() -> None:
    """Forget the tries that limits count."""
    cache.clear()


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Any) -> None:
    """Hash passwords in no time: Argon2 takes its tenth of a second each time, on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def account_log() -> Iterator[list[logging.LogRecord]]:
    """The records of the app's loggers, which do not propagate."""
    logger = logging.getLogger("accounts")
    handler = logging.Handler()
    records: list[logging.LogRecord] = []
    handler.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)
