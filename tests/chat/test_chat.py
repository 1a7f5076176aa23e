"""`POST /chat`, over HTTP, with the sandbox's Claude behind it."""

import json

import pytest

from tests.chat.http import Answer, record_of, send
from tests.factories import SONNET, make_customer, make_subscriber

USAGE = "[[usage input=5000 output=2000 cache_read=30]] Hello"


def chat(api: str, **body) -> Answer:
    return send(api, "POST", "/chat", body=body)


def test_a_prompt_is_answered_with_what_it_used(api):
    customer = make_customer()

    answer = chat(api, access_code=customer.key, prompt=USAGE, max_tokens=4000)

    assert answer.status == 200
    assert answer.json["response"]
    assert answer.json["model"] == "claude-haiku-5-5"
    assert answer.json["usage"]["input_tokens"] == 5000
    assert answer.json["usage"]["output_tokens"] == 2000
    assert answer.json["usage"]["cache_read_input_tokens"] == 30
    assert answer.json["request_id"] == answer.headers["request-id"]
    assert answer.json["trial_requests_remaining"] == 49


def test_the_record_is_settled_before_the_answer_is_there(api):
    customer = make_subscriber()

    answer = chat(api, access_code=customer.key, prompt=USAGE, max_tokens=4000)

    record = record_of(answer)
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 5000, 2000)
    assert record.api_key == customer.api_key
    assert customer.account.held_minor == 0


def test_the_key_may_stand_in_the_authorization_header(api):
    customer = make_customer()

    answer = send(api, "POST", "/chat", body={"prompt": "Hello"}, headers={"authorization": f"Bearer {customer.key}"})

    assert answer.status == 200


def test_a_subscriber_gets_the_plans_own_model(api):
    customer = make_subscriber(plan_code="pro_sonnet")

    answer = chat(api, access_code=customer.key, prompt="Hello")

    assert answer.json["model"] == SONNET
    assert answer.json["trial_requests_remaining"] is None


def test_max_tokens_is_honoured(api):
    answer = chat(api, access_code=make_customer().key, prompt="[[usage output=2000]]", max_tokens=7)

    assert answer.json["usage"]["output_tokens"] == 7
    assert answer.json["stop_reason"] == "max_tokens"


def test_a_stream_brings_pieces_and_ends_with_what_a_plain_call_answers(api):
    customer = make_customer()

    answer = chat(api, access_code=customer.key, prompt="Hello", stream=True)

    events = [event.split(b"\n") for event in answer.body.strip().split(b"\n\n")]
    deltas = [json.loads(data[6:])["text"] for name, data in events if name == b"event: delta"]
    name, data = events[-1]
    done = json.loads(data[6:])
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert name == b"event: done"
    assert done["response"] == "".join(deltas)
    assert done["usage"]["output_tokens"] == record_of(answer).output_tokens
    assert done["trial_requests_remaining"] == 49


def test_the_system_prompt_reaches_claude(api):
    answer = chat(api, access_code=make_customer().key, prompt="Hello", system="[[usage input=77 output=1]]")

    assert answer.json["usage"]["input_tokens"] == 77


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "a", "system": 7}, "system"),
        ({"prompt": "a", "stream": "yes"}, "stream"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens"),
        ({"prompt": "a", "max_tokens": True}, "max_tokens"),
        ({"prompt": "a", "max_tokens": "many"}, "max_tokens"),
        ({"prompt": "a", "max_tokens": 10**400}, "max_tokens"),
        ({"prompt": "a", "model": {}}, "model"),
    ],
)
def test_bad_input_is_told_what_to_change_and_opens_no_record(api, body, words):
    customer = make_customer()

    answer = chat(api, access_code=customer.key, **body)

    kind, message = answer.error
    assert (answer.status, kind) == (400, "invalid_request_error")
    assert words in message
    assert not customer.organization.usage_records.exists()


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[1]", b'"text"', b"null", b"[" * 60_000, b"1" * 5000])
def test_a_body_that_is_no_json_object_is_refused(api, raw):
    answer = send(api, "POST", "/chat", raw=raw)

    assert answer.status == 400
    assert answer.error[0] == "invalid_request_error"


@pytest.mark.parametrize("key", ["", "nonsense", 7, None, ["a"], "\ud800", "\x00"])
def test_an_unknown_access_code_is_refused(api, key):
    answer = chat(api, access_code=key, prompt="Hello")

    assert answer.status == 401
    assert answer.error[0] == "authentication_error"


def test_an_unknown_model_is_refused(api):
    answer = chat(api, access_code=make_customer().key, prompt="Hello", model="gpt-4")

    assert answer.status == 404
    assert answer.error[0] == "not_found_error"


def test_get_is_told_to_post(api):
    answer = send(api, "GET", "/chat")

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert answer.error[0] == "invalid_request_error"


def test_a_body_over_the_limit_is_refused_in_words(api):
    head = f'{{"access_code": "{make_customer().key}", "prompt": "'.encode()
    answer = send(api, "POST", "/chat", raw=head + b"a" * (33 * 1024 * 1024) + b'"}')

    assert answer.status == 413
    assert answer.error == ("request_too_large", answer.json["error"]["message"])
    assert "1 MB" in answer.json["error"]["message"]


def test_an_address_that_is_not_there_is_a_json_404(api):
    answer = send(api, "GET", "/v1/nothing")

    assert answer.status == 404
    assert answer.error[0] == "not_found_error"


def test_the_fifty_first_request_is_told_where_to_subscribe(api):
    customer = make_customer()
    account = customer.account
    account.trial_used = 50
    account.save(update_fields=["trial_used"])

    answer = chat(api, access_code=customer.key, prompt="Hello")

    kind, message = answer.error
    assert (answer.status, kind) == (402, "billing_error")
    assert "/app/billing/" in message
    assert answer.headers["x-should-retry"] == "false"
