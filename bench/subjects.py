"""The measured subjects: rgent as production runs it, LiteLLM's proxy, the floor, and the fake Claude itself."""

import json
import os
import secrets
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.processes import ROOT, Server, free_port
from bench.traffic import MODEL, Shape, request

# The newest version whose dependencies were in the registry at the time of writing.
LITELLM = "litellm[proxy]==1.106.2"
LITELLM_KEY = "sk-bench"


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under test. `keys` are what its callers send; `upstream_key` is what it sends to the fake Claude."""

    name: str
    server: Server
    keys: Sequence[str]
    upstream_key: str

    def requests(self, shape: Shape | None) -> list[bytes]:
        """Return a request of each of its callers."""
        host = f"127.0.0.1:{self.server.port}"
        return [request(host=host, key=key, shape=shape) for key in self.keys]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a run: its cores, its upstream, and a folder for logs and files."""

    cores: set[int]
    claude_port: int
    folder: Path

    @property
    def claude_url(self) -> str:
        """The address of the fake Claude."""
        return f"http://127.0.0.1:{self.claude_port}"


@contextmanager
def rgent(
    *, place: Place, database_url: str, redis_url: str, customers: int, workers: int = 1, name: str = "rgent"
) -> Iterator[Subject]:
    """Run rgent's web process as the image does, on a fresh database with capped organizations."""
    port = free_port()
    environ = {
        **os.environ,
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "VAR_DIR": str(place.folder),
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRET": "whsec_bench",
        "ANTHROPIC_API_KEY": name,
        "BENCH_CLAUDE_URL": place.claude_url,
        "EMAIL_URL": "smtp://127.0.0.1:25",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "rgent.settings",
    }
    _python("manage.py", "migrate", "--skip-checks", "--verbosity", "0", environ=environ)
    keys = _python("-m", "bench.customers", str(customers), environ=environ).split()
    command = [
        *(sys.executable, "-m", "uvicorn", "bench.web:application", "--host", "127.0.0.1", "--port", str(port)),
        *("--no-access-log", "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown", "60"),
        *("--workers", str(workers)),
    ]
    log = place.folder / f"{name}.log"
    with processes.server(command, port=port, cores=place.cores, log=log, environ=environ) as server:
        yield Subject(name=name, server=server, keys=keys, upstream_key=name)


@contextmanager
def litellm(*, place: Place, installed: Path) -> Iterator[Subject]:
    """Run LiteLLM's proxy at its fastest: a master key, no database, no callbacks, no access log."""
    port = free_port()
    config, logging = place.folder / "litellm.json", place.folder / "litellm-logging.json"
    model = {"model": f"anthropic/{MODEL}", "api_base": place.claude_url, "api_key": "litellm"}
    config.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": MODEL, "litellm_params": model}],
                "general_settings": {"master_key": LITELLM_KEY},
                "litellm_settings": {"num_retries": 0, "telemetry": False},
            }
        )
    )
    logging.write_text(json.dumps({"version": 1, "disable_existing_loggers": False}))
    environ = {
        **os.environ,
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
    }
    command = [
        *(str(installed / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
        *("--num_workers", "1", "--log_config", str(logging), "--telemetry", "False"),
    ]
    log = place.folder / "litellm.log"
    with processes.server(command, port=port, cores=place.cores, log=log, environ=environ) as server:
        yield Subject(name="LiteLLM", server=server, keys=[LITELLM_KEY], upstream_key="litellm")


@contextmanager
def floor(*, place: Place) -> Iterator[Subject]:
    """Run the floor."""
    port = free_port()
    environ = {**os.environ, "ANTHROPIC_API_KEY": "floor", "ANTHROPIC_BASE_URL": place.claude_url}
    command = [
        *(sys.executable, "-m", "uvicorn", "bench.floor:application", "--host", "127.0.0.1", "--port", str(port)),
        *("--no-access-log", "--log-level", "warning", "--no-server-header", "--lifespan", "off"),
    ]
    log = place.folder / "floor.log"
    with processes.server(command, port=port, cores=place.cores, log=log, environ=environ) as server:
        yield Subject(name="floor", server=server, keys=["floor"], upstream_key="floor")


@contextmanager
def fake_claude(*, cores: set[int], folder: Path) -> Iterator[Subject]:
    """Run the fake Claude. Called directly it is the ceiling: the most that the load generator can measure."""
    port = free_port()
    command = [sys.executable, "-m", "bench.fake_claude", "--port", str(port)]
    with processes.server(command, port=port, cores=cores, log=folder / "fake_claude.log") as server:
        yield Subject(name="ceiling", server=server, keys=["ceiling"], upstream_key="ceiling")


def install_litellm(*, folder: Path) -> Path:
    """Install the pinned LiteLLM into an environment of its own, once, and return the environment."""
    environment, stamp = folder / "litellm", folder / "litellm" / "installed"
    if not stamp.is_file() or stamp.read_text() != LITELLM:
        venv.create(environment, clear=True, with_pip=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", LITELLM]
        subprocess.run(pip, check=True)
        stamp.write_text(LITELLM)
    return environment


def _python(*arguments: str, environ: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environ, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
