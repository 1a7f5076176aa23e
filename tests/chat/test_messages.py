"""`POST /v1/messages`: Claude's own bytes, and every way a call can end."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.api_keys import revoke_api_key
from accounts.key_memory import Caller
from billing.models import BillingAccount, UsageRecord
from chat import claude_connections, completions
from chat.claude_request import read_messages_request
from chat.streaming import StreamedCompletion
from common import background
from tests.chat.http import leaving_stream, messages_body, record_of, send, wait_until
from tests.factories import Customer, make_customer, make_subscriber
from tests.servers import SandboxServer

HELLO = [{"role": "user", "content": "Hello"}]


def post(api: str, customer: Customer, prompt: str = "Hello", **fields):
    return send(api, "POST", "/v1/messages", body=messages_body(prompt, **fields), headers={"x-api-key": customer.key})


def newest_record(customer: Customer) -> UsageRecord:
    return UsageRecord.objects.filter(organization=customer.organization).latest("id")


def ended_record(customer: Customer) -> UsageRecord:
    """Wait until the customer has a record, and the newest is closed."""
    records = UsageRecord.objects.filter(organization=customer.organization)
    wait_until(lambda: records.exists() and newest_record(customer).state != "open")
    return newest_record(customer)


@pytest.fixture
def client(api):
    """The official SDK, for a new customer on the trial."""
    customer = make_customer()
    with anthropic.Anthropic(base_url=api, api_key=customer.key, max_retries=0) as client:
        client.customer = customer
        yield client


def test_the_official_sdk_creates_a_message(client):
    message = client.messages.create(model="claude-haiku-5-5", max_tokens=100, messages=HELLO)

    record = newest_record(client.customer)
    assert message._request_id == record.request_id
    assert (record.input_tokens, record.output_tokens) == (message.usage.input_tokens, message.usage.output_tokens)


def test_the_official_sdk_streams(client):
    with client.messages.stream(model="claude-haiku-5-5", max_tokens=100, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()

    record = newest_record(client.customer)
    assert text
    assert record.state == "settled"
    assert record.streamed
    assert record.output_tokens == message.usage.output_tokens


@pytest.mark.parametrize(
    ("model", "error"), [("gpt-4", anthropic.NotFoundError), ("claude-sonnet-5-5", anthropic.PermissionDeniedError)]
)
def test_the_official_sdk_sees_its_own_errors(client, model, error):
    with pytest.raises(error):
        client.messages.create(model=model, max_tokens=10, messages=HELLO)


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_a_key_works_in_either_header(api, header):
    key = make_customer().key
    value = f"Bearer {key}" if header == "authorization" else key

    answer = send(api, "POST", "/v1/messages", body=messages_body("Hello"), headers={header: value})

    assert answer.status == 200


def test_what_claude_answers_passes_through_unchanged(api, sandbox: SandboxServer):
    answer = post(api, make_customer(), "[[usage input=7 cache_write_5m=11 cache_write_1h=13 cache_read=17 output=19]]")

    record = record_of(answer)
    assert answer.json["type"] == "message"
    assert answer.json["id"].startswith("msg_")
    assert (record.input_tokens, record.output_tokens) == (7, 19)
    assert (record.cache_write_5m_tokens, record.cache_write_1h_tokens, record.cache_read_tokens) == (11, 13, 17)


def test_a_payload_without_the_split_counts_all_cache_writes_as_five_minutes(api):
    answer = post(api, make_customer(), "[[usage input=1 cache_write_5m=11 cache_write_1h=13 output=1 no_split]]")

    record = record_of(answer)
    assert (record.cache_write_5m_tokens, record.cache_write_1h_tokens) == (24, 0)


@pytest.mark.parametrize("status", [400, 413, 429, 500, 529])
def test_an_error_of_claudes_passes_through_and_costs_nothing(api, status):
    customer = make_customer()

    answer = post(api, customer, f"[[usage error={status}]]")

    assert answer.status == status
    assert answer.json["type"] == "error"
    assert record_of(answer).state == "void"
    assert customer.account.trial_used == 0
    assert customer.account.held_minor == 0


def test_a_refusal_of_the_operators_own_key_is_not_blamed_on_the_customer(api):
    customer = make_customer()

    answer = post(api, customer, "[[usage error=401]]")

    assert answer.status == 500
    assert answer.error[0] == "api_error"
    assert record_of(answer).state == "void"


def test_an_error_before_the_first_byte_of_a_stream_is_plain_json(api):
    answer = post(api, make_customer(), "[[usage error=529]]", stream=True)

    assert answer.status == 529
    assert answer.headers["content-type"] == "application/json"
    assert record_of(answer).state == "void"


def test_an_error_in_mid_stream_bills_what_was_served(api):
    answer = post(api, make_subscriber(), "[[usage input=100 output=200 error_after=8]]", stream=True)

    record = record_of(answer)
    assert b"event: error" in answer.body
    assert (record.state, record.input_tokens, record.estimated) == ("settled", 100, True)
    assert 0 < record.output_tokens < 200


def test_a_connection_cut_in_mid_stream_bills_what_was_served_and_ends_in_an_error_event(api):
    answer = post(api, make_subscriber(), "[[usage input=100 output=200 drop_after=8]]", stream=True)

    record = record_of(answer)
    assert answer.body.count(b"event: error") == 1
    assert (record.state, record.input_tokens, record.estimated) == ("settled", 100, True)


def test_a_client_that_leaves_a_stream_pays_for_what_came(api, sandbox: SandboxServer):
    customer = make_subscriber()
    prompt = "[[usage input=100 output=400 chunk_delay_ms=50]]"
    with leaving_stream(api, key=customer.key, prompt=prompt) as response:
        response.read(1500)

    record = ended_record(customer)
    served = wait_until(lambda: [row for row in sandbox.claude_ledger() if row["ended"]])[-1]
    assert (record.state, record.input_tokens, record.estimated) == ("settled", 100, True)
    assert served["ended"] == "client_gone"
    assert 0 < record.output_tokens <= served["output_tokens"] < 400
    assert customer.account.held_minor == 0


def test_with_the_drain_policy_a_left_stream_is_billed_exactly(api, settings):
    settings.STREAM_ABORT_POLICY = "drain"
    customer = make_subscriber()
    prompt = "[[usage input=100 output=60 chunk_delay_ms=20]]"
    with leaving_stream(api, key=customer.key, prompt=prompt) as response:
        response.read(600)

    record = ended_record(customer)
    assert (record.state, record.output_tokens, record.estimated) == ("settled", 60, False)


def test_a_client_that_leaves_before_the_first_byte_pays_for_the_input_exactly(api):
    customer = make_subscriber()
    body = messages_body("[[usage input=100 output=60 delay_ms=700 chunk_delay_ms=50]]", stream=True)
    with pytest.raises(TimeoutError):
        send(api, "POST", "/v1/messages", body=body, headers={"x-api-key": customer.key}, timeout_s=0.5)

    record = ended_record(customer)
    assert (record.state, record.input_tokens) == ("settled", 100)


def test_a_client_that_leaves_a_plain_call_pays_for_it_since_claude_served_it(api):
    customer = make_subscriber()
    body = messages_body("[[usage input=100 output=60 delay_ms=700]]")
    with pytest.raises(TimeoutError):
        send(api, "POST", "/v1/messages", body=body, headers={"x-api-key": customer.key}, timeout_s=0.2)

    record = ended_record(customer)
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 100, 60)


def test_a_call_that_takes_too_long_is_cut_and_not_forgotten(api, settings):
    settings.CLAUDE_CALL_LIMIT_S = 0.3
    customer = make_customer()

    answer = post(api, customer, "[[usage output=5 delay_ms=3000]]")

    assert answer.status == 504
    assert answer.error[0] == "timeout_error"
    assert record_of(answer).state == "abandoned"


def test_the_trial_is_exactly_fifty_with_two_hundred_at_once(api):
    customer = make_customer()

    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda _: post(api, customer, "[[usage input=1 output=1]]").status, range(200)))

    assert (statuses.count(200), statuses.count(402)) == (50, 150)
    assert UsageRecord.objects.filter(organization=customer.organization, state="settled").count() == 50


def test_what_claude_served_is_what_was_settled_to_the_token(api, sandbox: SandboxServer):
    customer = make_subscriber()

    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda n: post(api, customer, f"[[usage input={n} output={n % 7 + 1}]]", stream=n % 2 == 0),
                range(1, 81),
            )
        )

    records = UsageRecord.objects.filter(organization=customer.organization, state="settled")
    served = sandbox.claude_ledger()
    assert (
        sum(record.input_tokens for record in records)
        == sum(row["input_tokens"] for row in served)
        == sum(range(1, 81))
    )
    assert sum(record.output_tokens for record in records) == sum(row["output_tokens"] for row in served)
    assert customer.account.spent_minor == sum(record.cost_minor for record in records)
    assert customer.account.held_minor == 0


def test_a_revoked_key_is_refused_within_five_seconds(api):
    customer = make_subscriber()
    assert post(api, customer).status == 200
    revoke_api_key(organization=customer.organization, api_key_id=customer.api_key.id, now=timezone.now())

    wait_until(lambda: post(api, customer).status == 401, timeout_s=5)


def test_a_stream_that_nobody_begins_to_read_is_let_go_and_settled(api):
    customer = make_subscriber()

    async def open_and_leave() -> None:
        caller = Caller(api_key_id=customer.api_key.id, organization_id=customer.organization.id)
        body = messages_body("[[usage input=100 output=9000 chunk_delay_ms=5]]", stream=True, max_tokens=9000)
        asked = read_messages_request(json.dumps(body).encode())
        begun = await completions.begin(caller=caller, request=asked, request_id="req_nobody_reads")
        stream = StreamedCompletion(begun=begun, request=asked, headers={})
        await stream.opened()
        stream.client_gone()
        await background.drain(timeout_s=10)
        await claude_connections.close()

    asyncio.run(open_and_leave())

    record = newest_record(customer)
    assert (record.state, record.input_tokens) == ("settled", 100)
    assert record.output_tokens < 9000


@pytest.mark.postgres
def test_a_time_limit_that_ends_while_a_whole_stream_is_settled_changes_nothing(api, settings):
    settings.CLAUDE_CALL_LIMIT_S = 1.5
    customer = make_subscriber()
    post(api, customer, "[[usage input=1 output=1]]")

    def hold_the_account() -> None:
        with transaction.atomic():
            BillingAccount.objects.select_for_update().get(organization=customer.organization)
            time.sleep(2.5)

    with ThreadPoolExecutor(1) as pool:
        prompt = "[[usage input=100 output=20 chunk_delay_ms=40]]"
        answer = pool.submit(post, api, customer, prompt, stream=True)
        wait_until(lambda: UsageRecord.objects.filter(state="open").exists())
        hold_the_account()
        record = record_of(answer.result())

    assert b"message_stop" in answer.result().body
    assert b"event: error" not in answer.result().body
    assert (record.state, record.output_tokens, record.estimated) == ("settled", 20, False)
