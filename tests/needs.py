"""Servers and programs that some tests need, by marker: such a test is skipped, with the reason, where one is missing.

RGENT_MAY_SKIP, which CI sets, names the markers whose tests may be skipped; skipping any other is a failure. Empty, it
allows no skipping at all.
"""

import os
import shutil
from collections.abc import Callable, Generator
from functools import cache, partial
from typing import Any

import psycopg
import pytest
import redis

from tests.clients.environments import cannot_install

MAY_SKIP = "RGENT_MAY_SKIP"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@cache
def without_postgres() -> str:
    """Return why there is no PostgreSQL for tests; nothing where there is."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return "needs PostgreSQL: set DATABASE_URL=postgres://..."
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        return f"needs PostgreSQL: {error}"
    return ""


@cache
def without_redis() -> str:
    """Return why there is no Redis for tests; nothing where there is."""
    url = os.environ.get("REDIS_URL", "")
    if not url:
        return "needs Redis: set REDIS_URL=redis://..."
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5) as server:
            server.ping()
    except redis.RedisError as error:
        return f"needs Redis: {error}"
    return ""


@cache
def chromium() -> str:
    """Return the path of a Chromium: the one that CHROMIUM names, or the first on the path; empty without one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), "")


def without_chromium() -> str:
    """Return why there is no browser for tests; nothing where there is."""
    return "" if chromium() else f"needs Chromium: none of {', '.join(CHROMIUM_NAMES)} is installed"


MISSING: dict[str, Callable[[], str]] = {
    "postgres": without_postgres,
    "redis": without_redis,
    "browser": without_chromium,
    "clients": partial(cannot_install, "python"),
    "node": partial(cannot_install, "node"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose need is not met. Runs before its fixtures start anything."""
    for marker in item.iter_markers():
        why = MISSING[marker.name]() if marker.name in MISSING else ""
        if why:
            pytest.skip(why)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Call a skipped test failed where it may not be skipped."""
    return _strict((yield), markers={marker.name for marker in item.iter_markers()})


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Call a skipped module failed likewise."""
    return _strict((yield), markers=set())


def _strict(report: Any, *, markers: set[str]) -> Any:
    allowed = os.environ.get(MAY_SKIP)
    if report.skipped and allowed is not None and not markers.intersection(allowed.split()):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{why} ({MAY_SKIP} allows no skipping here)"
    return report
