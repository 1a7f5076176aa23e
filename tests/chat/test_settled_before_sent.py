"""A stream's end leaves only after its record is settled: no ledger, no end."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from billing.ledger import group_commit
from billing.models import UsageRecord
from tests.chat.http import messages_body, open_request
from tests.factories import Customer, make_subscriber

PROMPT = "[[usage input=100 output=20 chunks=4 chunk_delay_ms=100]]"
# Each surface's body, and the words by which its client knows that all is there.
SURFACES = {
    "/v1/messages": (messages_body(PROMPT, stream=True), b"message_stop"),
    "/chat": ({"prompt": PROMPT, "stream": True}, b"event: done"),
    "/v1/chat/completions": (messages_body(PROMPT, stream=True), b"[DONE]"),
}
on_every_surface = pytest.mark.parametrize(("path", "body", "end"), [(path, *told) for path, told in SURFACES.items()])


@contextmanager
def ledger_away() -> Iterator[None]:
    """Take the ledger's table away, for every process."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_usagerecord RENAME TO billing_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE billing_away RENAME TO billing_usagerecord")


@contextmanager
def begun_stream(api: str, customer: Customer, path: str, body: dict[str, Any]) -> Iterator[Any]:
    data = json.dumps(body).encode()
    with open_request(api, "POST", path, data=data, headers={"x-api-key": customer.key}) as response:
        assert response.read(1)
        yield response


@on_every_surface
def test_a_stream_that_cannot_be_settled_ends_in_an_error(api, monkeypatch, path, body, end):
    monkeypatch.setattr(group_commit, "ENDING_RETRY_S", 0.5)
    customer = make_subscriber()

    with begun_stream(api, customer, path, body) as response, ledger_away():
        rest = response.read()

    last_event = rest.split(b"\n\n")[-2]
    assert end not in rest
    assert b"error" in last_event
    assert b"withheld" in last_event
    record = UsageRecord.objects.get(organization=customer.organization)
    assert record.state in {"open", "abandoned"}  # counted, and not billed


@on_every_surface
def test_a_stream_waits_for_its_settlement_and_ends_as_ever(api, path, body, end):
    customer = make_subscriber()

    with ThreadPoolExecutor(1) as pool, begun_stream(api, customer, path, body) as response:
        with ledger_away():
            rest = pool.submit(response.read)
            time.sleep(1.5)
            ended_early = rest.done()

        assert not ended_early
        assert end in rest.result()
    assert UsageRecord.objects.get(organization=customer.organization).state == "settled"
