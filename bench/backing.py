"""PostgreSQL and Redis for a run: the ones that DATABASE_URL and REDIS_URL name, or servers that the run starts.

PostgreSQL's own defaults stay as they are: a commit is on the disk before it is answered.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench.processes import free_port, server


class Missing(Exception):
    """A needed program is not installed. The message names it."""


@contextmanager
def postgres(*, cores: set[int]) -> Iterator[str]:
    """Yield the address of a PostgreSQL on the given cores. Raises Missing."""
    if url := os.environ.get("DATABASE_URL", ""):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="rgent-bench-", dir="/var/tmp"))  # a disk, where /tmp may be memory
    user = _owner(folder)
    try:
        data, port = folder / "data", free_port()
        initdb = [_program("initdb"), "--auth=trust", "--username=postgres", str(data)]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=user)
        options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        command = [_program("postgres"), "-D", str(data), *options, "-c", "max_connections=200"]
        with server(command, port=port, cores=cores, log=folder / "log", user=user):
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis(*, cores: set[int], log: Path) -> Iterator[str]:
    """Yield the address of a Redis on the given cores. Raises Missing."""
    if url := os.environ.get("REDIS_URL", ""):
        yield url
        return
    port = free_port()
    command = [_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with server(command, port=port, cores=cores, log=log):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """Make a database for a run and return its address."""
    name = f"rgent_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def durability(server_url: str) -> str:
    """Return the server's settings for durable commits."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
    with psycopg.connect(server_url) as connection:
        shown = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
    return ", ".join(f"{name} {row[0]}" for name, row in zip(names, shown, strict=True) if row)


def _owner(folder: Path) -> str | None:
    """Return the user that runs PostgreSQL, which refuses root, and give that user the folder."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, user="postgres")
    return "postgres"


def _program(name: str) -> str:
    """Return the path of a program. Debian keeps PostgreSQL's programs off PATH. Raises Missing."""
    found = shutil.which(name) or next(iter(sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))), None)
    if found is None:
        raise Missing(f"{name} is not installed: install PostgreSQL and Redis, or set DATABASE_URL and REDIS_URL.")
    return found
