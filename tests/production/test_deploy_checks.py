"""`manage.py check --deploy` under production's environment: silent where all is well, a sentence where not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.production.files import ROOT

# Made up, and of the right form.
LIVE_KEY = "sk_live_" + "0123456789abcdef" * 2
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "STRIPE_SECRET_KEY": LIVE_KEY,
    "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef0123456789abcdef",
    "ANTHROPIC_API_KEY": "sk-ant-api03-0123456789",
    "PUBLIC_URL": "https://rgent.example.com",
    "DATABASE_URL": "postgres://rgent:secret@127.0.0.1:1/rgent",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp+tls://rgent:secret@mail.example.com:587",
}


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with this environment and nothing of the test's own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # By tag, since a check of dj-stripe's reads the database, and waits long for one that is not there.
    tags = ["--tag", "rgent", "--tag", "security", "--tag", "staticfiles", "--tag", "urls", "--tag", "admin"]
    return manage("check", "--deploy", "--fail-level", "WARNING", *tags, folder=folder, **environment)


def test_production_passes(tmp_path: Path) -> None:
    answer = check(tmp_path, **PRODUCTION)

    assert answer.returncode == 0, answer.stderr


@pytest.mark.postgres
def test_production_passes_all_checks_with_its_database(tmp_path: Path) -> None:
    environment = {**PRODUCTION, "DATABASE_URL": os.environ["DATABASE_URL"]}

    answer = manage("check", "--deploy", "--fail-level", "WARNING", folder=tmp_path, **environment)

    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"STRIPE_SECRET_KEY": ""}, "Production (DEBUG=0) needs STRIPE_SECRET_KEY."),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "Production (DEBUG=0) needs STRIPE_WEBHOOK_SECRET."),
        ({"ANTHROPIC_API_KEY": ""}, "Production (DEBUG=0) needs ANTHROPIC_API_KEY."),
        ({"STRIPE_API_BASE": "http://127.0.0.1:8001"}, "production never calls a sandbox"),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:8001"}, "production never calls a sandbox"),
        ({"DATABASE_URL": "sqlite:///rgent.sqlite3"}, "Production needs PostgreSQL"),
        ({"REDIS_URL": ""}, "Production needs Redis"),
        ({"SECRET_KEY": ""}, "production needs SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has less than 50 characters"),
        ({"DEBUG": "1"}, "A live Stripe key charges real cards"),
        ({"DEBUG": "1", "STRIPE_SECRET_KEY": ""}, "Set STRIPE_SECRET_KEY as well"),
        ({"DEBUG": "1", "STRIPE_SECRET_KEY": "sk_test_0", "ANTHROPIC_API_KEY": ""}, "Set ANTHROPIC_API_KEY as well"),
    ],
    ids=lambda value: " ".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else "",
)
def test_what_production_must_not_be_is_refused_in_a_sentence(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    answer = check(tmp_path, **{**PRODUCTION, **changes})

    assert answer.returncode != 0
    assert sentence in answer.stderr
