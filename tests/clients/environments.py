"""Environments of the clients: installed once, exactly, apart from the product, under `var/clients`."""

import fcntl
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent
INSTALLED = FOLDER.parents[1] / "var" / "clients"
VERSIONS: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "versions.toml").read_text())
NODE_PACKAGES = {"anthropic": "@anthropic-ai/sdk", "openai": "openai"}
INSTALL_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A client library in one version. `name` is its entry in versions.toml."""

    language: str
    name: str

    @property
    def family(self) -> str:
        """The API that it speaks: `anthropic` or `openai`."""
        return self.name.split("-")[0]

    @property
    def version(self) -> str:
        """The version, exactly."""
        return VERSIONS[self.language][self.name]

    @property
    def home(self) -> Path:
        """Where it is installed."""
        return INSTALLED / f"{self.language}-{self.family}-{self.version}"

    def __str__(self) -> str:
        return f"{self.language}-{self.name}"

    def command(self, job: str) -> list[str]:
        """Return the command that runs its script with a job."""
        if self.language == "python":
            return [str(self.home / "bin" / "python"), str(FOLDER / "python" / f"{self.family}_client.py"), job]
        return ["node", str(FOLDER / "node" / f"{self.family}_client.cjs"), job]

    def environ(self) -> dict[str, str]:
        """Return the variables that its script needs."""
        return {"NODE_PATH": str(self.home / "node_modules")} if self.language == "node" else {}

    def install(self) -> None:
        """Install it where that was not done before, by one process at a time. Raises CalledProcessError."""
        INSTALLED.mkdir(parents=True, exist_ok=True)
        stamp = self.home / "installed"
        with (INSTALLED / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if stamp.is_file():
                return
            shutil.rmtree(self.home, ignore_errors=True)
            for command in _python_commands(self) if self.language == "python" else _node_commands(self):
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
            stamp.touch()


CLIENTS = [ApiClient(language, name) for language in VERSIONS for name in VERSIONS[language]]


def _python_commands(client: ApiClient) -> list[list[str]]:
    """Return the commands that install a client: uv's, which take seconds, where it is at hand."""
    python, package = str(client.home / "bin" / "python"), f"{client.family}=={client.version}"
    uv = [sys.executable, "-m", "uv"] if find_spec("uv") else [found] if (found := shutil.which("uv")) else None
    if uv:
        make = [*uv, "venv", "--quiet", "--python", sys.executable, str(client.home)]
        return [make, [*uv, "pip", "install", "--quiet", "--python", python, package]]
    make = [sys.executable, "-m", "venv", str(client.home)]
    return [make, [python, "-m", "pip", "install", "--quiet", package]]


def _node_commands(client: ApiClient) -> list[list[str]]:
    package = f"{NODE_PACKAGES[client.family]}@{client.version}"
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--fetch-retries=1"]
    client.home.mkdir(parents=True)
    return [["npm", "install", "--prefix", str(client.home), *options, package]]


@cache
def cannot_install(language: str) -> str:
    """Install the clients of a language, and return why that is impossible; nothing where all are there."""
    if language == "node" and not (shutil.which("node") and shutil.which("npm")):
        return "needs Node: node and npm are not installed"
    try:
        for client in CLIENTS:
            if client.language == language:
                client.install()
    except subprocess.CalledProcessError as error:
        return f"needs the {language} clients: {error.stderr[-300:]}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"needs the {language} clients: {error}"
    return ""
