"""Refusals of Claude's, by API version and by beta, and of features that the sandbox does not simulate."""

from __future__ import annotations

import base64

import pytest

HAIKU = "claude-haiku-5-5"
WITH_SAMPLING = "claude-haiku-4-5"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
BETA = {"anthropic-beta": "a-beta-2026-01-01"}


def refusal(http, body, **headers):
    answer = http.post("/v1/messages", json=body, headers=headers)
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]["message"]


def call(**fields):
    return [
        {"role": "user", "content": "Zoom"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "zoom", "input": {}, **fields}],
        },
    ]


def result(**fields):
    return [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", **fields}]}]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (None, "anthropic-version: header is required"),
        ("1999-01-01", 'anthropic-version: "1999-01-01" is not a valid version'),
        ("", 'anthropic-version: "" is not a valid version'),
    ],
)
def test_it_asks_for_a_version_that_there_is(http, body, path, version, sentence):
    request = http.build_request("POST", path, json=body())
    del request.headers["anthropic-version"]
    if version is not None:
        request.headers["anthropic-version"] = version

    answer = http.send(request)

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, sentence)


@pytest.mark.parametrize(("name", "value"), [("temperature", 1), ("top_p", 1), ("top_k", 5), ("temperature", None)])
def test_the_newest_version_takes_no_sampling_parameter_of_any_value(http, body, name, value):
    asked = body(model=WITH_SAMPLING, **{name: value})

    assert http.post("/v1/messages", json=asked).status_code == 200
    assert refusal(http, asked, **{"anthropic-version": "2026-10-21"}) == f"{name}: Extra inputs are not permitted"


def test_the_newest_version_takes_no_document_of_an_assistant(http, body):
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
    turns = [{"role": "assistant", "content": [document]}, {"role": "user", "content": "And?"}]
    asked = body(messages=[{"role": "user", "content": "Hello"}, *turns])

    assert http.post("/v1/messages", json=asked).status_code == 200
    assert "document" in refusal(http, asked, **{"anthropic-version": "2026-10-21"})


def test_the_newest_version_takes_no_citations_of_a_user(http, body):
    asked = body([{"type": "text", "text": "Hello", "citations": [{"type": "char_location"}]}])

    assert http.post("/v1/messages", json=asked).status_code == 200
    assert "citations" in refusal(http, asked, **{"anthropic-version": "2026-10-21"})


def test_one_version_learns_nothing_from_what_another_was_answered(http, body):
    asked = body(model=WITH_SAMPLING, temperature=0.5)

    for _ in range(2):
        assert http.post("/v1/messages", json=asked).status_code == 200
        assert refusal(http, asked, **{"anthropic-version": "2026-10-21"})


@pytest.mark.parametrize("id_", ["call:1", "", "a b", "functions.zoom:0", "é"])
def test_it_refuses_ids_of_calls_that_claude_would_not_make(http, body, id_):
    pattern = "String should match pattern '^[a-zA-Z0-9_-]+$'"

    assert pattern in refusal(http, body(messages=[*call(id=id_), *result(tool_use_id=id_)]))


@pytest.mark.parametrize("name", ["a.b", "zoom in", "", "x" * 129])
def test_it_refuses_names_of_tools_that_claude_could_not_call(http, body, name):
    tools = [{"name": name, "input_schema": {"type": "object"}}]

    assert refusal(http, body(tools=tools)).startswith("tools.0.name: String should match pattern")


@pytest.mark.parametrize("sequence", ["", " ", "\n\t"])
def test_it_refuses_stop_sequences_of_white_space(http, body, sequence):
    told = refusal(http, body(stop_sequences=["END", sequence]))

    assert told == "stop_sequences: each stop sequence must contain non-whitespace"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"media_type": "image/jpeg", "data": PNG}, "appears to be a image/png image"),
        ({"media_type": "image/png", "data": "QUJD"}, "Could not process image"),
        ({"media_type": "image/png", "data": ""}, "Could not process image"),
        ({"media_type": "image/bmp", "data": PNG}, "media_type: Input should be"),
        ({"data": PNG}, "media_type: Input should be"),
    ],
)
def test_it_refuses_a_picture_that_is_not_of_its_type(http, body, source, sentence):
    picture = {"type": "image", "source": {"type": "base64", **source}}

    assert sentence in refusal(http, body([picture]))
    assert sentence in refusal(http, body(messages=[*call(), *result(content=[picture])]))


@pytest.mark.parametrize("field", ["mcp_servers", "fallbacks", "billing_policy", "compaction", "a_field_of_tomorrow"])
def test_it_says_of_a_betas_field_that_it_is_not_simulated(http, body, field):
    assert "sandbox_not_simulated" in refusal(http, body(**{field: {"x": 1}}), **BETA)
    assert "Extra inputs are not permitted" in refusal(http, body(**{field: {"x": 1}}))


def test_it_refuses_a_thread_as_claude_refuses_one_it_cannot_keep(http, body):
    answer = http.post("/v1/messages", json=body(thread={"type": "create"}), headers=BETA)

    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["sandbox_not_simulated"],
    }


def test_the_sdks_tool_runner_goes_on_without_a_thread(claude, control):
    from anthropic import beta_tool

    @beta_tool
    def zoom(factor: int) -> str:
        """Zoom in.

        Args:
            factor: How far.
        """
        return f"zoomed {factor} times"

    runner = claude.beta.messages.tool_runner(
        model=HAIKU, max_tokens=500, tools=[zoom], messages=[{"role": "user", "content": "Hello"}]
    )

    assert runner.until_done().stop_reason == "end_turn"
    assert ["thread" in each["body"] for each in control.get("requests")["data"]] == [False, True]


def test_it_takes_edits_that_only_clear_and_refuses_a_compaction(http, body):
    def edits(*kinds):
        return body(context_management={"edits": [{"type": kind} for kind in kinds]})

    clearing = edits("clear_tool_uses_20250919", "clear_thinking_20251015")

    assert http.post("/v1/messages", json=clearing, headers=BETA).status_code == 200
    assert "sandbox_not_simulated: compact_20260112" in refusal(http, edits("compact_20260112"), **BETA)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model": "claude-haiku-5-5", "temperature": NaN}',
        b'{"max_tokens": Infinity}',
        b'{"metadata": {"x": 1e999}}',
        b'{"model": "\\ud800"}',
        b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"[" * 900 + b"]" * 900,
        b"\xff\xfe{}",
        b"9" * 5000,
        b"",
    ],
)
def test_its_log_shows_any_body(http, control, raw):
    http.post("/v1/messages", content=raw)

    shown = control.get("requests")["data"][0]

    assert shown["body_bytes"] == len(raw)


def test_a_killed_process_has_the_row_of_every_answer_that_arrived(claude_process, body):
    with claude_process() as (http, kill):
        for stream in (False, True):
            http.post("/v1/messages", json=body("[[usage output=7]]", stream=stream)).raise_for_status()
        kill()

    with claude_process() as (http, _):
        rows = http.get("/_sandbox/claude/ledger").json()["data"]

    assert [(row["ended"], row["output_tokens"]) for row in rows] == [("complete", 7)] * 2
