"""`Idempotency-Key`: the same request twice is one answer and one bill."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

from billing.models import IdempotencyKey, UsageRecord
from tests.chat.http import Answer, messages_body, record_of, send, wait_until
from tests.factories import HAIKU, Customer, make_customer, make_subscriber

PROMPT = "[[usage input=100 output=10]]"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/messages": messages_body(PROMPT),
    "/chat": {"prompt": PROMPT},
    "/v1/chat/completions": messages_body(PROMPT),
}
on_every_path = pytest.mark.parametrize("path", BODIES)


def post(api: str, customer: Customer, path: str = "/v1/messages", *, key: str = "one", **fields: Any) -> Answer:
    headers = {"x-api-key": customer.key, "idempotency-key": key}
    return send(api, "POST", path, body={**BODIES[path], **fields}, headers=headers)


def records_of(customer: Customer) -> list[UsageRecord]:
    return list(UsageRecord.objects.filter(organization=customer.organization).order_by("id"))


@on_every_path
def test_the_same_request_gets_the_same_answer_and_is_billed_once(api, sandbox, path):
    customer = make_subscriber()

    first, second = post(api, customer, path), post(api, customer, path)

    assert (first.status, second.status) == (200, 200)
    assert second.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert [record.request_id for record in records_of(customer)] == [first.headers["request-id"]]
    assert customer.account.spent_minor == record_of(first).cost_minor
    assert len(sandbox.claude_ledger()) == 1


@on_every_path
def test_another_body_under_the_key_is_refused(api, path):
    customer = make_customer()
    post(api, customer, path)

    answer = post(api, customer, path, max_tokens=7)

    assert answer.status == 400
    assert "Idempotency-Key" in answer.json["error"]["message"]


def test_the_same_body_on_another_path_is_refused(api):
    customer = make_customer()
    post(api, customer, "/v1/messages")

    assert post(api, customer, "/v1/chat/completions").status == 400


def test_a_repetition_while_the_first_runs_is_a_conflict_and_then_the_answer(api, sandbox):
    customer = make_customer()
    slow = {"messages": messages_body("[[usage output=5 delay_ms=1500]]")["messages"]}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(post, api, customer, **slow)
        wait_until(lambda: UsageRecord.objects.filter(state="open").exists())

        early = post(api, customer, **slow)
        first = running.result()

    assert early.status == 409
    assert early.error[0] == "conflict_error"
    assert post(api, customer, **slow).body == first.body
    assert len(sandbox.claude_ledger()) == 1


def test_of_many_at_once_one_is_served(api, sandbox):
    customer = make_subscriber()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(api, customer), range(40)))

    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1
    assert [record.state for record in records_of(customer)] == ["settled"]
    assert len(sandbox.claude_ledger()) == 1


@pytest.mark.parametrize(
    ("fault", "state"), [({"error": 400}, "void"), ({"drop_after": 2}, "abandoned")], ids=["refused", "broke off"]
)
def test_after_a_failure_the_key_is_free(api, sandbox, fault, state):
    customer = make_customer()
    sandbox.control("POST", "/claude/faults", {"path": "messages", "times": 1, **fault})

    first, second = post(api, customer), post(api, customer)

    assert first.status >= 400
    assert second.status == 200
    assert "idempotent-replayed" not in second.headers
    assert [record.state for record in records_of(customer)] == [state, "settled"]


@on_every_path
def test_a_stream_takes_no_notice_of_the_header(api, path):
    customer = make_customer()

    answers = [post(api, customer, path, stream=True) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    wait_until(lambda: [record.state for record in records_of(customer)] == ["settled", "settled"])
    assert not IdempotencyKey.objects.exists()


def test_an_empty_key_is_none(api):
    customer = make_customer()

    assert [post(api, customer, key=" ").status for _ in range(2)] == [200, 200]
    assert len(records_of(customer)) == 2


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400)])
def test_a_key_has_255_characters_at_most(api, length, status):
    assert post(api, make_customer(), key="k" * length).status == status


def test_the_text_of_a_key_is_not_stored(api):
    post(api, make_customer(), key="secret-of-the-caller")

    assert "secret" not in json.dumps(list(IdempotencyKey.objects.values()), default=str)


def test_a_retry_of_the_anthropic_sdk_ends_in_the_first_calls_answer(api, sandbox):
    customer = make_subscriber()
    slow = "[[usage input=9 output=5 delay_ms=1200]]"
    call = {"model": HAIKU, "max_tokens": 50, "messages": [{"role": "user", "content": slow}]}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    with anthropic.Anthropic(base_url=api, api_key=customer.key, max_retries=6) as client, ThreadPoolExecutor() as pool:
        first = pool.submit(client.messages.create, extra_headers=headers, **call)
        wait_until(lambda: UsageRecord.objects.filter(state="open").exists())

        again = client.messages.create(extra_headers=headers, **call)  # 409 until the first is over

        assert again.id == first.result().id
    assert len(sandbox.claude_ledger()) == 1


def test_the_openai_sdk_may_send_a_key_too(api, sandbox):
    customer = make_subscriber()
    with openai.OpenAI(base_url=f"{api}/v1", api_key=customer.key, max_retries=0) as client:
        answers = [
            client.chat.completions.create(
                model=HAIKU,
                messages=[{"role": "user", "content": PROMPT}],
                extra_headers={"Idempotency-Key": "one"},
            )
            for _ in range(2)
        ]

    assert answers[0].id == answers[1].id
    assert len(sandbox.claude_ledger()) == 1
