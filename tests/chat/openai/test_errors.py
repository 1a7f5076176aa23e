"""Failed chat completions are answered in OpenAI's shape, with our statuses."""

import pytest

from accounts.api_keys import create_api_key
from accounts.models import KeyScope
from billing.models import BillingAccount
from tests.chat.http import record_of, send
from tests.chat.openai.calls import PATH, WEATHER, body, complete, error_of
from tests.factories import SONNET, Customer, make_customer, make_subscriber


@pytest.mark.parametrize("raw", [b"", b"[]", b"Hello", b'{"model": "cla', b'{"model": "\xff"}', b"[" * 200_000])
def test_what_is_no_json_is_refused(api, raw):
    headers = {"authorization": f"Bearer {make_customer().key}"}

    answer = send(api, "POST", PATH, raw=raw, headers=headers)

    assert answer.status == 400
    assert error_of(answer)["type"] == "invalid_request_error"


@pytest.mark.parametrize("key", ["", "Bearer nobody", "Basic abc"])
def test_an_unknown_key_is_openais_invalid_api_key(api, key):
    answer = send(api, "POST", PATH, body=body(), headers={"authorization": key})

    assert answer.status == 401
    assert error_of(answer)["code"] == "invalid_api_key"


def test_a_key_that_cannot_chat_is_forbidden(api):
    organization = make_customer().organization
    _, key = create_api_key(organization=organization, name="Manage", scopes=[KeyScope.MANAGE])

    answer = send(api, "POST", PATH, body=body(), headers={"authorization": f"Bearer {key}"})

    assert answer.status == 403
    assert error_of(answer)["type"] == "permission_error"


def test_an_unknown_model_is_openais_model_not_found(api):
    answer = complete(api, make_customer(), model="gpt-4o")

    assert answer.status == 404
    assert error_of(answer)["code"] == "model_not_found"


def test_a_model_of_another_plan_is_forbidden(api):
    answer = complete(api, make_customer(), model=SONNET)

    assert answer.status == 403
    assert "Your plan" in error_of(answer)["message"] or "includes" in error_of(answer)["message"]


def exhausted() -> Customer:
    customer = make_customer()
    BillingAccount.objects.filter(organization=customer.organization).update(trial_used=50)
    return customer


def test_an_exhausted_trial_is_openais_insufficient_quota_and_not_tried_again(api):
    answer = complete(api, exhausted())

    assert answer.status == 402
    assert error_of(answer)["code"] == "insufficient_quota"
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_not_allowed(api, method):
    answer = send(api, method, PATH)

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert error_of(answer)["type"] == "invalid_request_error"


def test_a_body_that_is_too_large_is_refused(api, settings):
    settings.API_MAX_BODY_BYTES = 1000

    answer = complete(api, make_customer(), "x" * 2000)

    assert answer.status == 413
    assert error_of(answer)["type"] == "request_too_large"


@pytest.mark.parametrize("status", [400, 404, 413, 429, 500, 529])
def test_an_error_of_claudes_keeps_its_status_and_words_and_costs_nothing(api, status):
    customer = make_customer()

    answer = complete(api, customer, f'[[usage error={status} message="It is raining."]]')

    assert answer.status == status
    assert error_of(answer)["message"] == "It is raining."
    assert record_of(answer).state == "void"
    assert customer.account.trial_used == 0


def test_how_long_to_wait_is_told_with_a_rate_limit_of_claudes(api):
    answer = complete(api, make_customer(), "[[usage error=429 retry_after_s=7]]")

    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert error_of(answer)["code"] == "rate_limit_exceeded"


def test_a_rule_of_a_model_is_told_in_claudes_words(api):
    customer = make_subscriber(plan_code="pro_sonnet")

    answer = complete(api, customer, model=SONNET, tools=[WEATHER], tool_choice="required")

    assert answer.status == 400
    assert "tool_choice" in error_of(answer)["message"]
    assert record_of(answer).state == "void"


def test_other_addresses_keep_anthropics_shape(api):
    answer = send(api, "POST", "/v1/messages", body={}, headers={"x-api-key": make_customer().key})

    assert answer.error[0] == "invalid_request_error"
