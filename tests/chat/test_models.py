"""`/v1/models` and `/v1/messages/count_tokens`."""

import anthropic
import pytest

from tests.chat.http import messages_body, send
from tests.factories import HAIKU, SONNET, make_customer, make_subscriber


@pytest.fixture
def client(api):
    """The official SDK, for a new customer on the trial."""
    customer = make_customer()
    with anthropic.Anthropic(base_url=api, api_key=customer.key, max_retries=0) as client:
        client.customer = customer
        yield client


def test_the_list_holds_the_plans_models_as_claude_describes_them(client):
    page = client.models.list()

    assert [model.id for model in page] == [HAIKU]
    assert page.data[0].display_name
    assert page.data[0].max_tokens


def test_a_model_is_described_by_id(client):
    assert client.models.retrieve(HAIKU).id == HAIKU


def test_a_model_outside_the_plan_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve(SONNET)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "after_id=nothing", "before_id=nothing"])
def test_a_page_that_makes_no_sense_is_refused(api, query):
    answer = send(api, "GET", f"/v1/models?{query}", headers={"x-api-key": make_customer().key})

    assert answer.status == 400
    assert answer.error[0] == "invalid_request_error"


def test_a_page_after_the_last_model_is_empty(api):
    answer = send(api, "GET", f"/v1/models?after_id={HAIKU}", headers={"x-api-key": make_customer().key})

    assert answer.json == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_tokens_are_counted_as_claude_counts_them_and_cost_nothing(client):
    messages = [{"role": "user", "content": "Hello, how are you today?"}]

    counted = client.messages.count_tokens(model=HAIKU, messages=messages)
    answered = client.messages.create(model=HAIKU, max_tokens=10, messages=messages)

    assert counted.input_tokens == answered.usage.input_tokens
    assert client.customer.organization.usage_records.count() == 1


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{HAIKU}"])
def test_the_list_needs_a_key(api, path):
    assert send(api, "GET", path).status == 401


def test_counting_needs_a_key(api):
    assert send(api, "POST", "/v1/messages/count_tokens", body=messages_body("Hello")).status == 401


def test_a_query_string_changes_nothing(api):
    answer = send(
        api,
        "POST",
        "/v1/messages?beta=true",
        body=messages_body("Hello", model=SONNET),
        headers={"x-api-key": make_subscriber(plan_code="pro_sonnet").key},
    )

    assert answer.status == 200
