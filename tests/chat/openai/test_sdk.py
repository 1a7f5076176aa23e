"""OpenAI's own SDK, with nothing changed but its base URL and key."""

import json
from collections.abc import Iterator

import openai
import pytest
from pydantic import BaseModel

from billing.models import UsageRecord
from tests.chat.openai.calls import WEATHER
from tests.factories import HAIKU, SONNET, Customer, make_customer

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def customer(api) -> Customer:
    """A customer on the trial."""
    return make_customer()


@pytest.fixture
def client(api, customer) -> Iterator[openai.OpenAI]:
    """The SDK as its users make it."""
    with openai.OpenAI(base_url=f"{api}/v1", api_key=customer.key, max_retries=0) as client:
        yield client


def asking(prompt: str):
    return [{"role": "user", "content": prompt}]


def test_it_gets_a_completion(client):
    completion = client.chat.completions.create(model=HAIKU, messages=asking("[[usage input=50 output=20]]"))

    record = UsageRecord.objects.get(request_id=completion._request_id)
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (50, 20)
    assert (record.input_tokens, record.output_tokens) == (50, 20)


def test_it_streams(client):
    stream = client.chat.completions.create(
        model=HAIKU,
        messages=asking('[[usage text="one two three" chunks=3]]'),
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].usage.total_tokens > 0


def test_its_stream_helper_puts_the_answer_together(client):
    with client.chat.completions.stream(
        model=HAIKU, messages=asking("How is the weather? [[usage tool_calls=2]]"), tools=[WEATHER]
    ) as stream:
        completion = stream.get_final_completion()

    assert completion.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in completion.choices[0].message.tool_calls] == ["get_weather"] * 2
    assert all(json.loads(call.function.arguments) for call in completion.choices[0].message.tool_calls)


def test_its_own_message_goes_back_with_the_results(client):
    question = asking("How is the weather?")
    first = client.chat.completions.create(model=HAIKU, messages=question, tools=[WEATHER])
    message = first.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "7 degrees"} for call in message.tool_calls]

    second = client.chat.completions.create(model=HAIKU, messages=[*question, message, *results], tools=[WEATHER])

    assert second.choices[0].finish_reason == "stop"


class Place(BaseModel):
    """The class that the SDK parses the answer into."""

    city: str
    people: int


def test_it_parses_an_answer_into_a_model(client):
    completion = client.chat.completions.parse(model=HAIKU, messages=asking("Where?"), response_format=Place)

    assert isinstance(completion.choices[0].message.parsed, Place)


def test_it_lists_the_models(client):
    page = client.models.list()

    for model in (*page, client.models.retrieve(HAIKU)):
        assert (model.id, model.object, model.owned_by) == (HAIKU, "model", "anthropic")
        assert model.created > 1_700_000_000
    assert page.object == "list"


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [("gpt-4o", openai.NotFoundError, "model_not_found"), (SONNET, openai.PermissionDeniedError, None)],
)
def test_it_raises_its_own_errors(client, model, error, code):
    with pytest.raises(error) as raised:
        client.chat.completions.create(model=model, messages=HELLO)

    assert raised.value.code == code
    assert raised.value.request_id.startswith("req_")


def test_it_tells_which_field_is_wrong(client):
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=HAIKU, messages=HELLO, n=2)

    assert raised.value.param == "n"


def test_it_knows_a_wrong_key(api):
    with (
        openai.OpenAI(base_url=f"{api}/v1", api_key="nobody", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model=HAIKU, messages=HELLO)


def test_it_raises_an_error_that_comes_in_mid_stream(client):
    stream = client.chat.completions.create(
        model=HAIKU, messages=asking("[[usage output=99 error_after=8]]"), stream=True
    )

    with pytest.raises(openai.APIError, match="verload"):
        list(stream)


def test_it_tries_again_where_the_error_passes(api, customer, sandbox):
    sandbox.control("POST", "/claude/faults", {"times": 1, "path": "messages", "error": 529})

    with openai.OpenAI(base_url=f"{api}/v1", api_key=customer.key, max_retries=1) as client:
        completion = client.chat.completions.create(model=HAIKU, messages=HELLO)

    assert completion.choices[0].message.content
    states = UsageRecord.objects.filter(organization=customer.organization).values_list("state", flat=True)
    assert sorted(states) == ["settled", "void"]
