"""Models that Claude retires: the warning before, the successor or a refusal that names it after."""

from datetime import timedelta

import pytest

from billing.models import ModelRetirement, UsageRecord
from billing.plans.retirements import forget_retirements
from common import clock
from tests.chat.http import messages_body, record_of, send
from tests.chat.test_key_models import make_customer_of_both_models
from tests.factories import HAIKU, SONNET, make_subscriber

IN_A_MONTH, A_DAY_AGO = timedelta(days=30), timedelta(days=-1)


def retire(model: str = HAIKU, *, after: timedelta, successor: str = SONNET, leads: bool = False) -> ModelRetirement:
    retirement = ModelRetirement.objects.create(
        model=model, retires_at=clock.now() + after, successor=successor, leads_to_successor=leads
    )
    forget_retirements()
    return retirement


def post(api, customer, *, path="/v1/messages", **fields):
    return send(
        api,
        "POST",
        path,
        body=messages_body("Hello", **{"model": HAIKU, **fields}),
        headers={"x-api-key": customer.key},
    )


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_caller_is_warned_before_the_end(api, path, fields):
    retirement = retire(after=IN_A_MONTH)

    answer = post(api, make_subscriber(now=clock.now()), path=path, **fields)

    on = f"{retirement.retires_at:%-d %b %Y}"
    assert answer.status == 200
    assert answer.headers["rgent-model-notice"] == f"{HAIKU} retires on {on}. Use {SONNET} instead."


def test_other_models_have_no_notice(api):
    retire(SONNET, after=IN_A_MONTH, successor=HAIKU)

    assert "rgent-model-notice" not in post(api, make_subscriber(now=clock.now())).headers


def test_after_the_end_the_error_names_the_successor_and_nothing_is_recorded(api):
    retire(after=A_DAY_AGO)

    answer = post(api, make_subscriber(now=clock.now()))

    assert (answer.status, answer.error[0]) == (404, "not_found_error")
    assert f"Use {SONNET} instead." in answer.error[1]
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_successor_answers_where_the_operator_leads_there_at_its_own_price(api, sandbox, path):
    customer = make_customer_of_both_models(key_models=[HAIKU])
    retire(after=A_DAY_AGO, leads=True)

    answer = post(api, customer, path=path)

    assert (answer.status, record_of(answer).model) == (200, SONNET)
    assert sandbox.claude_ledger()[-1]["model"] == SONNET
    assert answer.headers["rgent-model-notice"].endswith(f"and is served by {SONNET}.")


def test_its_tokens_are_counted_by_the_successor(api):
    customer = make_customer_of_both_models(key_models=[])
    retire("claude-old", after=A_DAY_AGO, leads=True)

    body = {"model": "claude-old", "messages": [{"role": "user", "content": "Hello"}]}
    answer = send(api, "POST", "/v1/messages/count_tokens", body=body, headers={"x-api-key": customer.key})

    assert answer.status == 200


def test_a_successor_that_the_plan_lacks_is_named_in_the_refusal(api):
    retire(after=A_DAY_AGO, leads=True)

    answer = post(api, make_subscriber(now=clock.now()))

    assert answer.status == 403
    assert f"does not include {SONNET}" in answer.error[1]


def test_a_circle_of_successors_is_refused(api):
    retire(after=A_DAY_AGO, leads=True)
    retire(SONNET, after=A_DAY_AGO, successor=HAIKU, leads=True)

    assert post(api, make_subscriber(now=clock.now())).status == 404


def test_it_is_on_the_list_until_its_end(api):
    customer = make_customer_of_both_models(key_models=[])

    def listed() -> list[str]:
        answer = send(api, "GET", "/v1/models", headers={"x-api-key": customer.key})
        return sorted(model["id"] for model in answer.json["data"])

    retirement = retire(after=IN_A_MONTH)
    before = listed()
    ModelRetirement.objects.filter(pk=retirement.pk).update(retires_at=clock.now() + A_DAY_AGO)
    forget_retirements()

    assert (before, listed()) == ([HAIKU, SONNET], [SONNET])


def test_a_request_without_a_model_gets_one_that_is_served(api):
    customer = make_customer_of_both_models(key_models=[])
    retire(after=A_DAY_AGO)

    answer = send(api, "POST", "/chat", body={"access_code": customer.key, "prompt": "Hello"})

    assert record_of(answer).model == SONNET
