"""The environment of a test run: state and ports of its own, no key of anybody's. Loaded before the settings."""

import atexit
import os
import shutil
import socket
import tempfile

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

    DATABASE_URL and REDIS_URL stay as they are: with them the same tests run against PostgreSQL and Redis.
    """
    for name in OF_THE_PRODUCT:
        os.environ.pop(name, None)
    folder = tempfile.mkdtemp(prefix="rgent-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {"VAR_DIR": folder, "PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}


prepare()
