"""`/v1/models` and `/v1/messages/count_tokens`."""

import anthropic
import pytest

from billing.models import BillingAccount
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


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        pytest.param("limit=" + "9" * 5000, id="limit=5000 digits"),
        "limit=1001",
        "after_id=nothing",
        "before_id=nothing",
        "limit=1&limit=1",
    ],
)
def test_a_page_that_makes_no_sense_is_refused(api, query):
    answer = send(api, "GET", f"/v1/models?{query}", headers={"x-api-key": make_customer().key})

    assert answer.status == 400
    assert answer.error[0] == "invalid_request_error"


def test_a_page_after_the_last_model_is_empty(api):
    answer = send(api, "GET", f"/v1/models?after_id={HAIKU}", headers={"x-api-key": make_customer().key})

    assert answer.json == {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None}


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


COUNTED = {"model": HAIKU, "messages": [{"role": "user", "content": "Hello"}]}


def count(api, customer, **fields):
    body = {**COUNTED, **fields}
    return send(api, "POST", "/v1/messages/count_tokens", body=body, headers={"x-api-key": customer.key})


def calls_of_claude(sandbox, path):
    calls = sandbox.control("GET", "/claude/requests")["data"]
    return [call for call in calls if call["path"].startswith(path)]


def exhausted():
    customer = make_customer()
    BillingAccount.objects.filter(organization=customer.organization).update(trial_used=50)
    return customer


def suspended():
    customer = make_subscriber()
    BillingAccount.objects.filter(organization=customer.organization).update(status="suspended")
    return customer


@pytest.mark.parametrize(
    ("make", "model", "status"),
    [
        (exhausted, HAIKU, 402),
        (suspended, HAIKU, 402),
        (make_customer, SONNET, 403),
        (make_customer, "claude-nope", 404),
    ],
)
def test_nothing_of_a_caller_who_may_not_use_the_model_goes_to_claude(api, sandbox, make, model, status):
    answer = count(api, make(), model=model)

    assert answer.status == status
    assert not calls_of_claude(sandbox, "/v1/messages/count_tokens")


def test_claude_is_not_asked_about_a_model_that_nobody_sells(api, sandbox):
    body = messages_body("Hello " * 100_000, model="claude-of-my-own")

    answer = send(api, "POST", "/v1/messages", body=body, headers={"x-api-key": make_subscriber().key})

    assert answer.status == 404
    assert not calls_of_claude(sandbox, "/v1/models/claude-of-my-own")


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{HAIKU}", "/v1/messages/count_tokens"])
def test_calls_that_cost_nothing_are_limited_by_organization(api, settings, path):
    settings.SIDE_CALLS_PER_MINUTE = 2
    customer, other = make_customer(), make_customer()
    method, body = ("POST", COUNTED) if path.endswith("tokens") else ("GET", None)

    statuses = [send(api, method, path, body=body, headers={"x-api-key": customer.key}).status for _ in range(3)]
    refused = send(api, method, path, body=body, headers={"x-api-key": customer.key})

    assert statuses == [200, 200, 429]
    assert refused.error[0] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert send(api, method, path, body=body, headers={"x-api-key": other.key}).status == 200
