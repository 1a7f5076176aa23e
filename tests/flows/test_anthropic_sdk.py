"""The official SDK, with nothing changed but its base URL and key."""

from collections.abc import Iterator

import anthropic
import pytest

from tests.flows.client import HAIKU, using
from tests.flows.customer import trial_customer
from tests.flows.product import Laptop


@pytest.fixture(scope="module")
def key(laptop: Laptop) -> str:
    """A key of a customer on the trial."""
    return trial_customer(laptop)[1].key


@pytest.fixture
def client(laptop: Laptop, key: str) -> Iterator[anthropic.Anthropic]:
    """The SDK as its users make it."""
    with anthropic.Anthropic(base_url=laptop.url, api_key=key, max_retries=0) as client:
        yield client


def prompt(text: str) -> list[anthropic.types.MessageParam]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def test_it_answers_a_plain_call(client: anthropic.Anthropic) -> None:
    message = client.messages.create(
        model=HAIKU, max_tokens=500, messages=prompt(using(input_tokens=21, output_tokens=8, cache_read=5))
    )

    assert (message.type, message.role, message.model, message.stop_reason) == (
        "message",
        "assistant",
        HAIKU,
        "end_turn",
    )
    assert (message.usage.input_tokens, message.usage.output_tokens) == (21, 8)
    assert message.usage.cache_read_input_tokens == 5
    assert message._request_id is not None
    assert message._request_id.startswith("req_")


def test_it_streams(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model=HAIKU, max_tokens=500, messages=prompt(using(input_tokens=30, output_tokens=12))
    ) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()

    assert len(pieces) > 1
    assert message.content[0].type == "text"
    assert message.content[0].text == "".join(pieces)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (30, 12)


async def test_it_answers_the_asynchronous_client(laptop: Laptop, key: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=laptop.url, api_key=key, max_retries=0) as client:
        message = await client.messages.create(model=HAIKU, max_tokens=50, messages=prompt("Hello world"))

    assert message.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        ("claude-nope", "Hi", anthropic.NotFoundError),
        ("claude-sonnet-5-5", "Hi", anthropic.PermissionDeniedError),
        (HAIKU, "[[usage error=400]]", anthropic.BadRequestError),
        (HAIKU, "[[usage error=429 retry_after_s=30]]", anthropic.RateLimitError),
        (HAIKU, "[[usage error=500]]", anthropic.InternalServerError),
        (HAIKU, "[[usage error=529]]", anthropic.APIStatusError),
    ],
)
def test_it_raises_the_sdks_own_errors(
    client: anthropic.Anthropic, model: str, text: str, expected: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(expected) as caught:
        client.messages.create(model=model, max_tokens=50, messages=prompt(text))

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["type"] == "error"
    assert caught.value.request_id is not None


def test_it_refuses_an_unknown_key(laptop: Laptop) -> None:
    with (
        anthropic.Anthropic(base_url=laptop.url, api_key="nobody", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model=HAIKU, max_tokens=50, messages=prompt("Hi"))


def test_it_raises_where_a_stream_breaks_off(client: anthropic.Anthropic) -> None:
    broken = using(input_tokens=30, output_tokens=12, error_after=4)

    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(model=HAIKU, max_tokens=500, messages=prompt(broken)) as stream,
    ):
        stream.until_done()

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "overloaded_error"
