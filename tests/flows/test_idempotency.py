"""Repeating a request under its `Idempotency-Key` is safe between processes, and after kill -9."""

from concurrent.futures import ThreadPoolExecutor
from urllib.error import URLError

import pytest

from tests.flows.client import HAIKU, Client, using
from tests.flows.customer import trial_customer
from tests.flows.processes import kill_all
from tests.flows.product import Laptop, Product
from tests.flows.servers_product import Servers
from tests.flows.test_crashes import RESTARTED_WITHIN_S, WEB, let_deadline_pass
from tests.flows.waiting import becomes, until
from tests.flows.wire import Answer, send_json

QUICK = using(input_tokens=100, output_tokens=10)
LONG_MS = 120_000


def ask(client: Client, prompt: str, *, url: str = "") -> Answer:
    """Send the request that a key was made for."""
    body = {"model": HAIKU, "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": f"Bearer {client.key}", "idempotency-key": "one"}
    return send_json("POST", f"{url or client.url}/v1/messages", body, headers=headers)


def records(product: Product, customer: str) -> list[tuple[str, str]]:
    """Return the id and state of every request of an organization."""
    its_own = f"organization_id = {product.organization_id(customer)}"
    return [tuple(row) for row in product.rows("request_id, state", "billing_usagerecord", its_own)]


def test_it_repeats_an_answer_after_the_server_that_gave_it_was_killed(laptop: Laptop) -> None:
    customer, client = trial_customer(laptop)
    first = ask(client, QUICK)
    kill_all(laptop.var_dir, running=WEB)
    until(laptop.is_healthy, within_s=RESTARTED_WITHIN_S, why="the web server was not started again")

    again = ask(client, QUICK)

    assert (again.status, again.body) == (200, first.body)
    assert records(laptop, customer.organization) == [(first.headers["request-id"], "settled")]


def test_it_holds_a_key_until_the_request_in_which_the_server_was_killed_is_abandoned(laptop: Laptop) -> None:
    customer, client = trial_customer(laptop)
    laptop.sandbox.control("POST", "/claude/faults", {"path": "messages", "delay_ms": LONG_MS, "times": 1})
    with ThreadPoolExecutor() as pool:
        lost = pool.submit(ask, client, QUICK)
        becomes(lambda: laptop.sandbox.control("GET", "/claude/faults")["data"], [], within_s=20)  # Claude has the call
        kill_all(laptop.var_dir, running=WEB)
        with pytest.raises((URLError, OSError)):
            lost.result()
    until(laptop.is_healthy, within_s=RESTARTED_WITHIN_S, why="the web server was not started again")

    assert ask(client, QUICK).status == 409

    let_deadline_pass(laptop, request_id=records(laptop, customer.organization)[0][0])
    until(lambda: ask(client, QUICK).status == 200, within_s=30, why="the key was not given back")
    assert [state for _, state in records(laptop, customer.organization)] == ["abandoned", "settled"]


@pytest.mark.postgres
@pytest.mark.redis
def test_it_serves_a_request_once_that_two_servers_get_at_the_same_time(servers: Servers) -> None:
    customer, client = trial_customer(servers)
    with servers.another_web_server() as other, ThreadPoolExecutor(16) as pool:
        urls = [client.url, other] * 20
        answers = list(pool.map(lambda url: ask(client, QUICK, url=url), urls))
        last = ask(client, QUICK, url=other)

    assert {answer.status for answer in answers} <= {200, 409}
    assert {answer.body for answer in answers if answer.status == 200} <= {last.body}
    assert last.headers["idempotent-replayed"] == "true"
    assert [state for _, state in records(servers, customer.organization)] == ["settled"]
