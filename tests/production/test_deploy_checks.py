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
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), **environment},
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


def test_productions_cookies_are_of_this_host_over_https_and_hidden_from_scripts(tmp_path: Path) -> None:
    answer = manage("diffsettings", "--all", folder=tmp_path, **PRODUCTION)

    for cookie, name in (("SESSION", "__Host-sessionid"), ("CSRF", "__Host-csrftoken")):
        assert f"{cookie}_COOKIE_NAME = '{name}'" in answer.stdout
        for line in ("SECURE = True", "HTTPONLY = True", "SAMESITE = 'Lax'", "PATH = '/'", "DOMAIN = None"):
            assert f"{cookie}_COOKIE_{line}" in answer.stdout


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
        ({"STRIPE_SECRET_KEY": "pk_live_0123"}, "STRIPE_SECRET_KEY holds a publishable key (pk_...)"),
        ({"STRIPE_SECRET_KEY": "sk-ant-0123"}, "STRIPE_SECRET_KEY is no secret key of Stripe"),
        ({"STRIPE_SECRET_KEY": '"sk_live_0123"'}, "STRIPE_SECRET_KEY is no secret key of Stripe"),
        ({"STRIPE_WEBHOOK_SECRET": "0123456789"}, "STRIPE_WEBHOOK_SECRET is no signing secret"),
        ({"STRIPE_WEBHOOK_SECRET": LIVE_KEY}, "STRIPE_WEBHOOK_SECRET is no signing secret"),
        ({"ANTHROPIC_API_KEY": LIVE_KEY}, "ANTHROPIC_API_KEY holds a key of Stripe"),
        ({"PORT": "abc"}, "rgent: PORT must be a whole number from 1 to 65535."),
        ({"PORT": "70000"}, "rgent: PORT must be a whole number from 1 to 65535."),
        ({"DEBUG": "ture"}, "rgent: DEBUG must be 1 or 0."),
        ({"STRIPE_TIMEOUT_S": "15s"}, "rgent: STRIPE_TIMEOUT_S must be a number above 0."),
        ({"CLAUDE_CALL_LIMIT_S": "inf"}, "rgent: CLAUDE_CALL_LIMIT_S must be a number above 0."),
        ({"STREAM_ABORT_POLICY": "Cancel"}, "rgent: STREAM_ABORT_POLICY must be one of cancel, drain."),
        (
            {"PUBLIC_URL": "rgent.example.com"},
            "rgent: PUBLIC_URL must be an address that begins with https:// or http://.",
        ),
        ({"DATABASE_URL": "rgent:secret@127.0.0.1/rgent"}, "rgent: DATABASE_URL must be an address such as"),
        ({"REDIS_URL": "127.0.0.1:6379"}, "rgent: REDIS_URL must be an address that begins with redis://"),
        ({"EMAIL_URL": "mail.example.com"}, "rgent: EMAIL_URL must be an address such as"),
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
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("STRIPE_SECRET_KY=sk_test_1", "line 2: STRIPE_SECRET_KY is no variable of rgent; STRIPE_SECRET_KEY is."),
        ("stripe_secret_key=sk_test_1", "line 2: stripe_secret_key is no variable of rgent; STRIPE_SECRET_KEY is."),
        ("FAVOURITE_COLOUR=red", "FAVOURITE_COLOUR is no variable of rgent; .env.example has all of them."),
        ("PORT = 8002", "line 2: write NAME=value, or # before a comment."),
        ("PORT: 8002", "line 2: write NAME=value, or # before a comment."),
        ("PORT=abc", "rgent: PORT must be a whole number from 1 to 65535."),
    ],
)
def test_a_mistake_in_the_file_of_variables_is_told_in_a_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "env").write_text(f"# mine\n{line}\n")

    answer = manage("check", folder=tmp_path / "var", ENV_FILE=str(tmp_path / "env"))

    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_the_file_of_variables_may_hold_what_compose_and_proxies_need(tmp_path: Path) -> None:
    lines = ["COMPOSE_PROJECT_NAME=shop", "HTTPS_PROXY=http://proxy:3128", "POSTGRES_PASSWORD=1", "export PORT=", ""]
    (tmp_path / "env").write_text("\n".join(lines))

    answer = manage("check", "--tag", "rgent", folder=tmp_path / "var", ENV_FILE=str(tmp_path / "env"))

    assert answer.returncode == 0, answer.stderr


def test_the_directory_of_state_is_its_owners_alone(tmp_path: Path) -> None:
    manage("check", "--tag", "rgent", folder=tmp_path / "parent" / "var")

    assert (tmp_path / "parent" / "var").stat().st_mode & 0o777 == 0o700
