"""The first hour of a newcomer: starting, the guide's own example, the commands, and failed starts."""

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import free_port
from tests.flows.customer import trial_customer
from tests.flows.processes import environment
from tests.flows.product import ROOT, Laptop, running

# As printed in the guide, where nothing but the port may differ.
GUIDE = (
    'curl -X POST http://127.0.0.1:8000/chat -H "Content-Type: application/json" '
    """-d '{"access_code": "test123", "prompt": "Hello world"}'"""
)


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_its_guides_own_example_works_as_printed(laptop: Laptop) -> None:
    printed = next(line.strip() for line in laptop.log().splitlines() if "curl" in line)

    done = subprocess.run(["sh", "-c", printed], capture_output=True, text=True, check=True)

    assert printed == GUIDE.replace("8000", str(laptop.port))
    answer = json.loads(done.stdout)
    assert answer["response"]
    assert answer["model"] == "claude-haiku-5-5"
    assert answer["usage"].keys() >= {"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation"}
    assert answer["request_id"].startswith("req_")
    assert 0 <= answer["trial_requests_remaining"] < 50


def test_it_says_where_it_is_ready(laptop: Laptop) -> None:
    assert f"rgent is ready: {laptop.url}\n" in laptop.log()


def test_it_publishes_nothing_where_nothing_differs(laptop: Laptop) -> None:
    written_before = writes_to_stripe(laptop)

    said = laptop.manage("setup_stripe_products")

    assert said == "Nothing to change.\n"
    assert writes_to_stripe(laptop) == written_before


def test_it_makes_a_test_customer_whose_key_works_and_whose_plan_is_active(laptop: Laptop) -> None:
    printed = laptop.manage("setup_stripe_products", "--test-customer", "--plan", "pro_sonnet", "--json")

    made = json.loads(printed)
    assert made.keys() == {"organization", "customer", "subscription", "api_key"}
    answer = laptop.client(made["api_key"]).chat()
    assert (answer.status, answer.json()["model"]) == (200, "claude-sonnet-5-5")
    assert answer.json()["trial_requests_remaining"] is None


def test_it_prints_a_test_customers_curl_line_that_works(laptop: Laptop) -> None:
    printed = laptop.manage("setup_stripe_products", "--test-customer")

    body = re.search(r"-d '(.*)'$", printed, re.MULTILINE)
    assert body
    fields = json.loads(body.group(1))
    assert laptop.client(fields.pop("access_code")).chat(**fields).status == 200


def test_it_runs_twice_side_by_side_and_starts_again_where_it_left_off(laptop: Laptop, tmp_path: Path) -> None:
    second = Laptop(folder=tmp_path)

    with running(second):
        customer, client = trial_customer(second)
        assert client.chat().json()["trial_requests_remaining"] == 49
        assert laptop.client(client.key).chat().status == 401

    with running(second):
        assert client.chat().json()["trial_requests_remaining"] == 48
        assert customer.organization in customer.overview()


def test_it_needs_one_sentence_to_say_that_a_port_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refuses_to_start(tmp_path / "var", PORT=str(port), SANDBOX_PORT=str(free_port()))

    assert said.startswith(f"CommandError: Port {port} is in use:")
    assert "PORT=" in said


def test_it_needs_one_sentence_to_say_that_its_ports_are_the_same(tmp_path: Path) -> None:
    port = str(free_port())

    said = refuses_to_start(tmp_path / "var", PORT=port, SANDBOX_PORT=port)

    assert said == "CommandError: PORT and SANDBOX_PORT are the same: give them different values."


def test_it_needs_one_sentence_to_say_that_another_copy_runs_on_its_directory(laptop: Laptop) -> None:
    said = refuses_to_start(laptop.var_dir, PORT=str(free_port()), SANDBOX_PORT=str(free_port()))

    assert said.startswith(f"CommandError: Another rgent runs on {laptop.var_dir}: stop it, or give this one a VAR_DIR")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "abc"}, "rgent: PORT must be a whole number from 1 to 65535."),
        (
            {"STRIPE_SECRET_KEY": "pk_test_1", "ANTHROPIC_API_KEY": "sk-ant-1"},
            "CommandError: STRIPE_SECRET_KEY holds a publishable key (pk_...): set the secret one, which begins with sk_.",  # noqa: E501
        ),
        (
            {"STRIPE_SECRET_KEY": "sk_test_1"},
            "CommandError: Set ANTHROPIC_API_KEY as well, or neither key to run in the sandbox mode.",
        ),
    ],
)
def test_it_needs_one_sentence_to_say_that_a_variable_is_wrong(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    assert refuses_to_start(tmp_path / "var", **variables) == sentence


def test_it_says_how_far_the_database_is(laptop: Laptop) -> None:
    steps = re.search(r"preparing the database \((\d+) steps\) \.\.\.", laptop.log())

    assert steps
    assert int(steps.group(1)) > 1


def test_its_state_is_its_owners_alone(laptop: Laptop) -> None:
    state = [laptop.var_dir, *laptop.var_dir.glob("*"), *laptop.var_dir.glob("sandbox/*")]

    assert len(state) > 5
    assert [path for path in state if path.stat().st_mode & 0o077] == []


def test_it_needs_one_sentence_to_say_that_its_directory_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")

    said = refuses_to_start(tmp_path / "file" / "var")

    assert said.startswith(f"rgent: {tmp_path}/file/var cannot be written:")


def test_it_needs_one_sentence_to_say_that_python_is_too_old(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "dirname").symlink_to(shutil.which("dirname") or "")
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")  # an old one's answer to whether it is new enough
    (tools / "python3").chmod(0o755)

    done = subprocess.run(
        ["/bin/sh", str(ROOT / "run")],
        check=False,
        env={"PATH": str(tools), "VENV_DIR": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr == "rgent: Python 3.11 or newer is needed. Install it, and start again.\n"


def refuses_to_start(var_dir: Path, **variables: str) -> str:
    """Start the product where it cannot, and return the one line it says."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        check=False,
        cwd=ROOT,
        env=environment(var_dir=var_dir, **variables),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def writes_to_stripe(laptop: Laptop) -> int:
    """Return how many of the last requests to Stripe changed a product, a price or a meter."""
    requests = laptop.sandbox.control("GET", "/requests?limit=1000")["requests"]
    catalogue = ("/v1/products", "/v1/prices", "/v1/billing/meters")
    return sum(request["method"] != "GET" and request["path"].startswith(catalogue) for request in requests)
