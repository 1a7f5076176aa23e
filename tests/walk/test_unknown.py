"""Somebody unknown: how little is read of them, and that nothing comes of it."""

import json
import time
from contextlib import ExitStack
from typing import Any

from django.apps import apps
from django.conf import settings

from billing.models import ProcessLease
from rgent.body_limits import MOST_UNVERIFIED
from tests.billing.test_webhooks import event, signature
from tests.chat.http import Answer, send, wait_until
from tests.factories import make_customer, make_user
from tests.rgent.api.wire import connection_to, head, read_answer
from tests.servers import SandboxServer
from tests.walk.calls import FORM
from tests.walk.everywhere import addresses_of_django, addresses_of_the_api
from tests.walk.people import browser_of

KB = 1024


def post_in_chunks(base: str, path: str, *, kilobytes: int, **headers: str) -> Answer:
    """Send a first part of a body that goes on, and read the answer to that."""
    part = b"a" * (kilobytes * KB + 1)
    with connection_to(base) as connection:
        begun = head("POST", path, transfer_encoding="chunked", content_type="application/json", **headers)
        connection.sendall(begun + f"{len(part):x}\r\n".encode() + part + b"\r\n")
        return read_answer(connection)


def rows() -> dict[str, int]:
    """Count the rows of every table but that of the leases, which processes renew whoever calls."""
    tables = [model for model in apps.get_models() if model._meta.managed and model is not ProcessLease]
    return {model._meta.label: model._default_manager.count() for model in tables}


def test_nothing_comes_of_a_body_of_somebody_unknown_and_64_kb_of_it_are_read(
    api: str, sandbox: SandboxServer, monkeypatch: Any
):
    monkeypatch.setattr(settings, "API_LINGER_S", 0.1)
    before, asked = rows(), sandbox.control("GET", "/requests")

    answers = {
        address: post_in_chunks(api, address, kilobytes=64, x_api_key="rgent_nobody").status
        for address in addresses_of_django() | addresses_of_the_api()
    }

    assert {address: status for address, status in answers.items() if not 400 <= status < 500} == {}
    assert rows() == before
    assert sandbox.control("GET", "/requests") == asked
    assert sandbox.claude_ledger() == []


def test_a_large_body_with_a_bad_access_code_is_refused_by_its_first_64_kb(api: str):
    with connection_to(api) as connection:
        part = b'{"access_code": "rgent_nobody", "prompt": "' + b"a" * 64 * KB
        connection.sendall(head("POST", "/chat", content_length=str(1024 * KB)) + part)
        answer = read_answer(connection)

    assert answer.status == 401


def test_an_access_code_behind_64_kb_is_not_looked_for(api: str):
    answer = post_in_chunks(api, "/chat", kilobytes=64)

    assert answer.status == 413
    assert "larger than 64 kB" in answer.error[1]


def test_an_access_code_within_64_kb_lets_the_rest_in(api: str):
    key = make_customer().key

    answer = send(api, "POST", "/chat", body={"access_code": key, "prompt": "Hi", "system": " " * 100 * KB})

    assert answer.status == 200


def test_an_event_without_a_fresh_signature_is_refused_by_its_head(api: str):
    for written in ("", "t=1", f"t=1,v1={'0' * 64}", f"t={int(time.time())},v1=00"):
        with connection_to(api) as connection:
            connection.sendall(
                head("POST", "/webhooks/stripe", content_length=str(1024 * KB), stripe_signature=written)
            )
            answer = read_answer(connection)

        assert answer.status == 400, written


def test_large_events_that_nobody_has_verified_are_read_a_few_at_a_time(api: str):
    plausible = f"t={int(time.time())},v1={'0' * 64}"
    begun = head("POST", "/webhooks/stripe", content_length=str(1024 * KB), stripe_signature=plausible)
    with ExitStack() as stack:
        waiting = [stack.enter_context(connection_to(api)) for _ in range(MOST_UNVERIFIED)]
        for connection in waiting:
            connection.sendall(begun)
        busy = wait_until(lambda: one_more(api, begun) == 503)
        waiting[0].sendall(b"a" * 1024 * KB)
        verified = read_answer(waiting[0]).status

    assert (busy, verified) == (True, 400)
    assert wait_until(lambda: one_more(api, begun) == 0)


def test_a_large_event_that_is_signed_is_taken_in(api: str):
    body = json.dumps(
        event(data={"object": {"id": "prod_missing", "object": "product", "name": "a" * 100 * KB}})
    ).encode()
    signed = signature(body, secret=settings.STRIPE_WEBHOOK_SECRET, at=int(time.time()))

    assert send(api, "POST", "/webhooks/stripe", raw=body, headers={"stripe-signature": signed}).status == 200


def one_more(base: str, begun: bytes) -> int:
    """Begin another event; return the status where it is refused at once, and 0 where it is read."""
    with connection_to(base) as connection:
        connection.settimeout(0.3)
        connection.sendall(begun)
        try:
            return read_answer(connection).status
        except TimeoutError:
            return 0


def test_a_large_form_of_the_admin_is_read_of_its_staff_alone(api: str):
    form = {"content-type": FORM}
    cookie = settings.SESSION_COOKIE_NAME
    staff, customer = (browser_of(make_user(is_staff=is_staff)).cookies[cookie].value for is_staff in (True, False))

    answers = [
        send(api, "POST", "/admin/", raw=b"a" * 100 * KB, headers={**form, "cookie": f"{cookie}={session}"}).status
        for session in (staff, customer, "x" * 32)
    ]

    assert answers == [403, 413, 413]
