"""The environment of a test run: state and ports of its own, no .env, no keys. Loaded before the settings."""

import atexit
import contextlib
import os
import shutil
import socket
import tempfile
from urllib.parse import urlsplit, urlunsplit

import redis

REDIS_DATABASES = range(1, 16)
OWNED = "rgent-tests:owner"
OWNED_FOR_S = 3600

OF_THE_PRODUCT = (
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "SECRET_KEY",
    "PUBLIC_URL",
    "EMAIL_URL",
    "DEBUG",
)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare() -> None:
    """Point this process at a directory and ports that no other uses.

    With DATABASE_URL and REDIS_URL the same tests run against PostgreSQL and Redis, in a numbered database of its own.
    """
    for name in OF_THE_PRODUCT:
        os.environ.pop(name, None)
    folder = tempfile.mkdtemp(prefix="rgent-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if redis_url := os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = claim_redis_database(redis_url)
        atexit.register(give_redis_back, os.environ["REDIS_URL"])
    os.environ |= {
        "ENV_FILE": os.devnull,
        "VAR_DIR": folder,
        "PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
    }


def claim_redis_database(url: str) -> str:
    """Return the address of a numbered database of this Redis that nobody uses, claimed for a run of tests."""
    for number in REDIS_DATABASES:
        candidate = with_path(url, str(number))
        with redis.Redis.from_url(candidate) as server:
            if server.dbsize() == 0 and server.set(OWNED, "1", nx=True, ex=OWNED_FOR_S):
                return candidate
    raise AssertionError(f"every numbered database at {url} is in use")


def give_redis_back(url: str) -> None:
    """Empty a claimed database, unless its server has gone."""
    with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url) as server:
        server.flushdb()


def with_path(url: str, path: str) -> str:
    """Return an address with another path."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


prepare()
