"""The calls printed on the landing page work as they are printed, but for the key."""

import html
import json
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest

from tests.factories import Customer, make_customer


@pytest.fixture
def customer(api: str) -> Customer:
    """A customer of the running product."""
    return make_customer()


def snippet(api: str, language: str, *, key: str) -> str:
    """Return the text a person would copy from the landing page, with a key of theirs."""
    with urllib.request.urlopen(f"{api}/") as answer:
        body = answer.read().decode()
    found = re.search(rf'<code id="snippet-{language}">(.*?)</code>', body, re.DOTALL)
    assert found
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).replace("test123", key)


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_snippet_prints_an_answer(api, customer):
    printed = run([sys.executable, "-c", snippet(api, "python", key=customer.key)])

    assert "sandbox" in printed
    assert customer.account.trial_used == 1


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_snippet_answers_with_json(api, customer):
    printed = run(["sh", "-c", snippet(api, "curl", key=customer.key)])

    assert json.loads(printed)["trial_requests_remaining"] == 49


def test_typescript_snippet_names_what_the_others_name(api, customer):
    text = snippet(api, "typescript", key=customer.key)

    assert f'baseURL: "{api}"' in text
    assert f'apiKey: "{customer.key}"' in text
