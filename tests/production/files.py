"""The files of production, parsed for the tests."""

import ast
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from ruamel.yaml import YAML

ROOT = Path(settings.BASE_DIR)
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
READERS = [ROOT / "rgent" / name for name in ("settings.py", "mode.py", "operating.py", "selling.py", "env.py")]


def product_services() -> dict[str, dict[str, Any]]:
    """Return the services that run our image."""
    return {name: service for name, service in SERVICES.items() if "build" in service}


def variables_of_compose() -> dict[str, str]:
    """Return each `${VAR...}` of docker-compose.yml with what follows the name: "", ":-default" or ":?message"."""
    return dict(re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", COMPOSE_TEXT))


def variables_explained() -> set[str]:
    """Return the variables that stand in .env.example, set or offered."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))


def variables_read() -> set[str]:
    """Return the variables the product reads: the first argument of every `env.something("NAME", ...)`."""
    calls = [node for path in READERS for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr != "read_env"
        and isinstance(call.args[0], ast.Constant)
    }


def words_of(command: str | list[str]) -> list[str]:
    """Return a command's words, also those inside `sh -c "..."`, without the word that begins a health check."""
    parts = [command] if isinstance(command, str) else command
    words = [word for part in parts for word in part.split()]
    return words[1:] if words[0] in {"CMD", "CMD-SHELL"} else words


def image_commands() -> list[list[str]]:
    """Return the words of every command that our image runs: of compose, of its health checks, of the Dockerfile."""
    commands = [service["command"] for service in product_services().values() if "command" in service]
    commands += [service["healthcheck"]["test"] for service in product_services().values() if _is_checked(service)]
    commands += re.findall(r"^CMD (\[.*?\])$", DOCKERFILE.replace("\\\n", ""), flags=re.MULTILINE)
    return [words_of(ast.literal_eval(command) if _is_json(command) else command) for command in commands]


def _is_checked(service: dict[str, Any]) -> bool:
    return "test" in service.get("healthcheck", {})


def _is_json(command: Any) -> bool:
    return isinstance(command, str) and command.startswith("[")
