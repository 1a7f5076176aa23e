"""Refusals of the sandbox's Claude, in Claude's shape and wording."""

from __future__ import annotations

import anthropic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HAIKU = "claude-haiku-5-5"
SONNET = "claude-sonnet-5-5"
TOOL = {"name": "zoom", "input_schema": {"type": "object"}}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "zoom", "input": {}}]}
ASK = {"role": "user", "content": "Hello"}


def assert_is_an_error(answer, *, status, error_type):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["request-id"].startswith("req_")
    told = answer.json()
    assert set(told) == {"type", "error", "request_id"}
    assert (told["type"], told["error"]["type"]) == ("error", error_type)
    assert told["error"]["message"]
    assert told["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("headers", [{"x-api-key": ""}, {"x-api-key": "", "authorization": "Basic abc"}])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens"), ("GET", "/v1/models")]
)
def test_it_asks_for_a_key(http, body, headers, method, path):
    answer = http.request(method, path, json=body() if method == "POST" else None, headers=headers)

    assert_is_an_error(answer, status=401, error_type="authentication_error")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v2/x", 404),
        ("PATCH", "/", 405),
    ],
)
def test_it_answers_wrong_paths_and_methods_in_its_shape(http, method, path, status):
    error_type = "not_found_error" if status == 404 else "invalid_request_error"

    assert_is_an_error(http.request(method, path), status=status, error_type=error_type)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"model": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 3000,
        b"9" * 10_000,
    ],
)
def test_it_refuses_what_is_no_json_object(http, raw):
    assert_is_an_error(http.post("/v1/messages", content=raw), status=400, error_type="invalid_request_error")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "model: Input should be a valid string"),
        ({"max_tokens": "10"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        (
            {"max_tokens": 128_001},
            f"max_tokens: 128001 > 128000, which is the maximum allowed number of output tokens for {HAIKU}",
        ),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": "Hello"}, "messages: Input should be a valid list"),
        (
            {"messages": [{"role": "robot", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": ""}]},
            "messages.0: all messages must have non-empty content except for the",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            "messages.0.content.0: messages: text content",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text: Field required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages.0.content.0.source: Field required",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
            "messages.0.content.0: Input tag 'smell' found using 'type'",
        ),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        ({"stop_sequences": "STOP"}, "stop_sequences: Input should be a valid list"),
        ({"tools": [{"name": "zoom"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, "tool_choice: may only be specified while providing tools"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
            "tool_choice: Tool 'x' not found in provided tools",
        ),
        (
            {"model": SONNET, "tools": [TOOL], "tool_choice": {"type": "any"}},
            'tool_choice: type "any" is not supported for this',
        ),
        ({"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ({"top_k": 5}, "`top_k` is deprecated for this model."),
        ({"temperature": 2}, "temperature: Input should be less than or equal to 1"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            '"thinking.type.enabled" is not supported for this model.',
        ),
        (
            {"model": SONNET, "thinking": {"type": "disabled"}},
            '"thinking.type.disabled" is not supported for this model.',
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            '"thinking.type.disabled" is not supported at effort "max" for this model.',
        ),
        (
            {"model": "claude-haiku-4-5", "thinking": {"type": "enabled"}},
            "thinking.enabled.budget_tokens: Field required",
        ),
        (
            {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 9}},
            "thinking.enabled.budget_tokens: Input",
        ),
        (
            {"messages": [ASK, {"role": "assistant", "content": "I"}]},
            "This model does not support assistant message prefill.",
        ),
        (
            {"messages": [ASK, CALL, ASK]},
            "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_9"}]}]},
            "messages.0.content: unexpected `tool_use_id` found in `tool_result` blocks: toolu_9",
        ),
    ],
)
def test_it_says_what_is_wrong(http, body, changes, message):
    answer = http.post("/v1/messages", json=body(**changes))

    assert_is_an_error(answer, status=400, error_type="invalid_request_error")
    assert answer.json()["error"]["message"].startswith(message)


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_it_asks_for_what_is_missing(http, body, field):
    request = body()
    del request[field]

    assert http.post("/v1/messages", json=request).json()["error"]["message"] == f"{field}: Field required"


def test_it_refuses_a_prompt_beyond_the_context_window(http, body):
    answer = http.post("/v1/messages", json=body("x" * 4_000_000))

    assert_is_an_error(answer, status=400, error_type="invalid_request_error")
    assert answer.json()["error"]["message"] == "prompt is too long: 1000007 tokens > 1000000 maximum"


def test_it_takes_a_body_of_several_megabytes(http, body):
    assert http.post("/v1/messages", json=body("x" * 3_000_000)).status_code == 200


def test_it_refuses_a_body_of_more_than_32_megabytes(http):
    answer = http.post("/v1/messages", content=b" " * (32 * 1024 * 1024 + 1))

    assert_is_an_error(answer, status=413, error_type="request_too_large")


@pytest.mark.parametrize(
    "model", ["claude-haiku-9", "claude-sonnet-4-20250514", "claude-sonnet-4-0", "x" * 5000, "日本"]
)
def test_it_knows_no_model_that_never_was_or_is_retired(http, body, model):
    answer = http.post("/v1/messages", json=body(model=model))

    assert_is_an_error(answer, status=404, error_type="not_found_error")
    assert answer.json()["error"]["message"] == f"model: {model[:200]}"


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
def test_it_raises_the_sdks_own_exceptions(claude, body, status, exception):
    with pytest.raises(exception) as caught:
        claude.messages.create(**body(f"[[usage error={status}]]"))

    assert caught.value.status_code == status
    assert caught.value.request_id.startswith("req_")


def test_it_raises_an_exception_out_of_a_broken_stream(claude, body):
    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        claude.messages.stream(**body("[[usage error_after=4]]")) as stream,
    ):
        stream.until_done()

    assert caught.value.type == "overloaded_error"


def test_it_lets_the_sdk_try_again(claude, body, control):
    control.post("faults", error=529, times=2)

    message = claude.with_options(max_retries=2).messages.create(**body())

    assert message.stop_reason == "end_turn"
    assert [row["status"] for row in control.get("ledger")["data"]] == [529, 529, 200]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
BLOCK_FIELDS = ("text", "source", "id", "name", "input", "content", "tool_use_id", "cache_control", "title")
FIELDS = st.sampled_from(
    [
        "messages",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "cache_control",
        "stop_sequences",
        "max_tokens",
        "model",
        "metadata",
        "stream",
        "temperature",
        "container",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(FIELDS, JSON, min_size=1, max_size=3), beta=st.booleans())
def test_it_never_breaks(http, body, changes, beta):
    headers = {"anthropic-beta": "x"} if beta else {}

    answer = http.post("/v1/messages", json=body(**changes), headers=headers)

    assert answer.status_code in {200, 400, 404}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    block=st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["text", "image", "document", "tool_use", "tool_result", "thinking", "search_result", "x"]
            )
        },
        optional=dict.fromkeys(BLOCK_FIELDS, JSON),
    )
)
def test_it_never_breaks_over_a_block(http, body, block):
    answer = http.post("/v1/messages", json=body([block]))

    assert answer.status_code in {200, 400}
