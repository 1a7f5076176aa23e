"""Web, worker and beat refuse to start with settings or rows that production must not have."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error
from django.utils import timezone

from accounts.models import ApiKey, User
from rgent.laptop.demo import seed_demo
from rgent.starting import check_demo
from tests.production.files import ROOT
from tests.production.test_deploy_checks import PRODUCTION
from tests.servers import SandboxServer

PROCESSES = {
    "web": ["uvicorn", "rgent.asgi:application", "--port", "0"],
    "worker": ["celery", "--app", "rgent", "--quiet", "worker", "--concurrency", "1"],
    "beat": ["celery", "--app", "rgent", "--quiet", "beat", "--pidfile", ""],
}


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:8001"}, "production never calls a sandbox"),
        ({"STRIPE_SECRET_KEY": "pk_live_0123"}, "STRIPE_SECRET_KEY holds a publishable key"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has less than 50 characters"),
    ],
)
def test_a_process_ends_where_a_setting_is_unsafe(
    tmp_path: Path, process: str, changes: dict[str, str], sentence: str
) -> None:
    ours = {"ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    # Unsafe as well, and no server that Celery's own checks would wait for.
    sqlite = {"DATABASE_URL": f"sqlite:///{tmp_path}/rgent.sqlite3"}

    done = subprocess.run(
        [sys.executable, "-m", *PROCESSES[process]],
        cwd=ROOT,
        env={**PRODUCTION, **ours, **sqlite, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def demo_in_production(sandbox: SandboxServer, transactional_db: None, settings: Any) -> None:
    """A production database that began its life in the sandbox mode."""
    seed_demo()
    settings.PRODUCTION = True


def opened() -> list[str]:
    """Return the keys and passwords that open the database, as the check names them."""
    messages = check_demo(databases=["default"])
    assert all(isinstance(message, Error) for message in messages)
    return [str(message.msg).partition(" is public")[0] for message in messages]


@pytest.mark.usefixtures("demo_in_production")
def test_the_demos_key_and_password_are_refused_in_production() -> None:
    assert opened() == ["The demo's API key test123", "The password of demo@example.com"]


@pytest.mark.usefixtures("demo_in_production")
def test_a_revoked_key_and_a_changed_password_are_not() -> None:
    ApiKey.objects.update(revoked_at=timezone.now())
    owner = User.objects.get(email="demo@example.com")
    owner.set_password("another one, of nobody else")
    owner.save(update_fields=["password"])

    assert opened() == []


@pytest.mark.usefixtures("demo_in_production")
def test_a_laptop_keeps_its_demo(settings: Any) -> None:
    settings.PRODUCTION = False

    assert opened() == []
