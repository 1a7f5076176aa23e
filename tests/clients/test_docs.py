"""The code of the documentation, executed as it is printed against the running product, by the real libraries.

Each language runs in one process. Only the key is set, in RGENT_API_KEY, as the guides tell.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.api_keys import create_api_key
from accounts.models import KeyScope
from billing.customer_webhooks.signing import headers_of, new_secret
from billing.models import BillingAccount, UsageRecord
from rgent.documentation.guides import all_guides, values
from rgent.documentation.markdown import Snippet, filled, snippets_of
from tests.clients.environments import CLIENTS
from tests.factories import make_subscriber

RUN_TIMEOUT_S = 80
PYTHON_RUNNER = """
import json, sys
for name, code in json.loads(sys.stdin.read()):
    print("===", name, flush=True)
    exec(compile(code, name, "exec"), {})
    print()
"""
CALL = "anthropic.Anthropic().messages.create(model='{model}', max_tokens=50, messages=[{message}])"
MESSAGE = "{'role': 'user', 'content': 'Hello'}"


@pytest.fixture
def environ(api: str) -> dict[str, str]:
    """The variables of a shell of a customer, whose key chats and manages. Their cap is of $50."""
    customer = make_subscriber(now=timezone.now(), cap_minor=Decimal(5000))
    _, key = create_api_key(organization=customer.organization, name="Docs", scopes=list(KeyScope))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"RGENT_API_KEY": key, "PATH": path, "HOME": os.environ.get("HOME", "/")}


def printed(*languages: str) -> list[tuple[str, Snippet]]:
    """Return the code of all guides in some languages, as the pages print it, with a name for each piece."""
    return [
        (f"{guide.slug}-{number}", snippet)
        for guide in all_guides()
        for number, snippet in enumerate(snippets_of(filled(guide.source, values())))
        if snippet.language in languages
    ]


def run(command: list[str], environ: dict[str, str], *, given: str = "", cwd: Path | None = None) -> str:
    """Run a command; return what it printed. Fails unless it ends well."""
    done = subprocess.run(
        command, input=given, env=environ, cwd=cwd, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout


def test_python_of_the_guides_runs(environ):
    pieces = [(name, snippet.text) for name, snippet in printed("python", "openai")]
    said = run([sys.executable, "-c", PYTHON_RUNNER], environ, given=json.dumps(pieces))

    parts = {part.split()[0]: part.split("\n", 1)[1] for part in said.split("=== ")[1:]}
    assert all(text.strip() for name, text in parts.items() if not name.startswith("webhooks")), parts
    written, read = (part.split() for part in parts["caching-0"].strip().splitlines())
    assert int(written[0]) > 0
    assert int(read[1]) > 0
    first, again = next(text for name, text in parts.items() if name.startswith("idempotency")).split()
    assert first == again
    assert "404" in next(text for name, text in parts.items() if name.startswith("errors"))
    assert UsageRecord.objects.filter(state="settled").count() > 8


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_of_the_guides_runs(environ):
    for name, snippet in printed("curl"):
        said = run(["sh", "-c", snippet.text.replace("curl ", "curl -sS --fail-with-body ", 1)], environ)
        assert said.strip(), name
    assert BillingAccount.objects.filter(cap_minor=5000).exists()


def test_claude_codes_variables_reach_the_api(environ):
    """The last line starts Claude Code; here the library asks, which reads the same variables."""
    ((_, snippet),) = printed("claude-code")
    assert snippet.text.endswith("claude\n")
    ask = f'python -c "import anthropic; print({CALL.format(model=values()["model"], message=MESSAGE)}.id)"'

    assert run(["sh", "-c", snippet.text.removesuffix("claude\n") + ask], environ).startswith("msg_")


@pytest.mark.node
def test_typescript_of_the_guides_runs(environ):
    homes = {client.family: client.home for client in CLIENTS if client.language == "node"}
    for family, language in (("anthropic", "typescript"), ("openai", "openai-typescript")):
        files = []
        for name, snippet in printed(language):
            file = homes[family] / f"docs-{os.getpid()}-{name}.mjs"
            file.write_text(snippet.text)
            files.append(file)
        try:
            runner = f"for (const file of {json.dumps([str(file) for file in files])}) await import(file);"
            said = run(["node", "--input-type=module", "-e", runner], environ)
        finally:
            for file in files:
                file.unlink()
        assert said.strip()


def signed(body: bytes, *, age_s: int = 0) -> tuple[dict[str, str], str]:
    """Return the headers of an event while its secret is rotated, and one of its two secrets."""
    secrets, at = [new_secret(), new_secret()], timezone.now() - timedelta(seconds=age_s)
    return headers_of(message_id="evt_1", body=body, signing_secrets=secrets, now=at), secrets[1]


def cases() -> list[tuple[dict[str, str], str, str, bool]]:
    """Return requests with the secret to verify them by, and whether they are good."""
    body = '{"data":{"name":"Sörver"},"type":"key.created"}'
    headers, secret = signed(body.encode())
    late, secret_of_late = signed(body.encode(), age_s=400)
    other = {**headers, "webhook-id": "evt_2"}
    return [
        (headers, body, secret, True),
        (headers, body + " ", secret, False),
        (headers, body, new_secret(), False),
        (late, body, secret_of_late, False),
        (other, body, secret, False),
    ]


def the_verifier(language: str) -> str:
    return next(snippet.text for name, snippet in printed(language) if name.startswith("webhooks"))


def test_the_verification_of_webhooks_in_python_tells_good_from_bad(db):
    scope: dict[str, Any] = {}
    exec(the_verifier("python"), scope)  # noqa: S102 - it is ours, and is printed for readers to run

    assert [scope["verify"](headers, body.encode(), secret) for headers, body, secret, _ in cases()] == [
        good for *_, good in cases()
    ]


@pytest.mark.node
def test_the_verification_of_webhooks_in_typescript_tells_good_from_bad(db, tmp_path):
    (tmp_path / "verify.mjs").write_text(the_verifier("typescript"))
    asked = json.dumps([[headers, body, secret] for headers, body, secret, _ in cases()])
    runner = (
        'import { verify } from "./verify.mjs";'
        f"console.log(JSON.stringify({asked}.map(([h, b, s]) => verify(h, Buffer.from(b), s))));"
    )
    (tmp_path / "run.mjs").write_text(runner)
    said = run(["node", "run.mjs"], dict(os.environ), cwd=tmp_path)

    assert json.loads(said) == [good for *_, good in cases()]
