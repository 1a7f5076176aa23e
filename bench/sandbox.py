"""`python -m bench.sandbox` measures whether the sandbox could limit a benchmark.

It prints the meter events a second on one core, the memory over 100,000 of them, and the time to start, empty and
with all of them stored.
"""

import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import uvloop

from bench import machine
from bench.load import Load
from bench.processes import Server, free_port, server
from bench.started import Cores

EVENTS = 100_000
CONCURRENCY = 8
STRETCH_S = 5.0
MOST_A_STRETCH = 40_000
KEY = "sk_test_" + "x" * 24
EVENT_NAME = "bench_tokens"


def main() -> None:
    """Measure, and print a line for each stretch. Exits with 1 where the meter's total differs from the events sent."""
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.load)
    print("; ".join(f"{name}: {value}" for name, value in machine.about().items()))
    with tempfile.TemporaryDirectory() as folder:
        with _sandbox(Path(folder), cores, holding="nothing") as sandbox:
            customer = _prepare(sandbox)
            sent = 0
            while sent < EVENTS:
                sent += _send_for_a_while(sandbox, customer=customer, sent_before=sent)
            held = _call(sandbox, "GET", f"/_sandbox/meter_totals?customer={customer}")["totals"][0]["value"]
        with _sandbox(Path(folder), cores, holding=f"{sent:,} events"):
            pass
    if float(held) != sent:
        sys.exit(f"the meter holds {held}, and {sent} were sent")


@contextmanager
def _sandbox(data: Path, cores: Cores, *, holding: str) -> Iterator[Server]:
    """Run a sandbox on one core, and print how long it took to listen."""
    port, began = free_port(), time.perf_counter()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", str(data / "sandbox")]
    with server(command, port=port, cores=cores.subject, log=data / "log") as started:
        print(f"started in {time.perf_counter() - began:.2f} s, with {holding}")
        yield started


def _prepare(sandbox: Server) -> str:
    """Make a meter and a customer, and return the customer's id."""
    meter = {
        "display_name": "Tokens",
        "event_name": EVENT_NAME,
        "default_aggregation[formula]": "sum",
        "customer_mapping[type]": "by_id",
        "customer_mapping[event_payload_key]": "stripe_customer_id",
        "value_settings[event_payload_key]": "value",
    }
    _call(sandbox, "POST", "/v1/billing/meters", meter)
    return str(_call(sandbox, "POST", "/v1/customers", {"email": "bench@example.com"})["id"])


def _send_for_a_while(sandbox: Server, *, customer: str, sent_before: int) -> int:
    """Send events of one token each for STRETCH_S seconds, print the rate, and return the number accepted."""
    load = Load(port=sandbox.port, requests=[_event(customer) for _ in range(MOST_A_STRETCH)], streaming=False)
    outcome = uvloop.run(load.run(concurrency=CONCURRENCY, warm_up_s=0, window_s=STRETCH_S))
    if outcome.errors:
        sys.exit(f"refused: {dict(outcome.errors)}")
    per_second = len(outcome.latencies_s) / outcome.window_s
    taken = sent_before + outcome.answered
    print(f"{per_second:7.0f} events/s, {sandbox.resident_mb():6.1f} MB resident, {taken:,} events so far")
    return outcome.answered


def _event(customer: str) -> bytes:
    payload = {"stripe_customer_id": customer, "value": "1"}
    form = {
        "event_name": EVENT_NAME,
        "identifier": uuid.uuid4().hex,
        **{f"payload[{name}]": value for name, value in payload.items()},
    }
    return _request("POST", "/v1/billing/meter_events", urlencode(form).encode())


def _request(method: str, path: str, content: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {KEY}\r\n"
        f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _call(sandbox: Server, method: str, path: str, form: Mapping[str, str] | None = None) -> Any:
    data = urlencode(form).encode() if form else None
    headers = {"authorization": f"Bearer {KEY}"}
    with urlopen(
        Request(f"http://127.0.0.1:{sandbox.port}{path}", data=data, method=method, headers=headers)
    ) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
