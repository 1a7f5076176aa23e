"""The one reader of the environment: typed, and loud about what is wrong."""

import os
import secrets
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")


def state_dir() -> Path:
    """Return the directory that holds all local state (`VAR_DIR`), made when missing.

    Raises ImproperlyConfigured where it cannot be written.
    """
    path = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise ImproperlyConfigured(
            f"{path} cannot be written: make it writable, or set VAR_DIR to a directory that is."
        )
    return path


def local_secret(*, path: Path) -> str:
    """Return a random secret that stays the same on this machine: made once and kept in `path`, for its owner alone."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text().strip()
