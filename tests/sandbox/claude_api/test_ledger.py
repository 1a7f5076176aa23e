"""The ledger: one row for each call, with what was really served."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest

from sandbox.claude_api.tokens import count_text

SLOW = "[[usage input=50 output=400 chunks=40 chunk_delay_ms=20]]"

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def test_it_has_a_row_before_the_answer_is_read(http, body, control):
    answer = http.post(
        "/v1/messages",
        json=body("[[usage input=1 cache_read=2 cache_write_5m=3 cache_write_1h=4 output=5 thinking=2]]"),
    )

    row = control.only_row()
    assert row["request_id"] == answer.headers["request-id"]
    assert row["message_id"] == answer.json()["id"]
    assert (row["model"], row["key_hint"], row["stream"]) == ("claude-haiku-5-5", "abcd", False)
    assert (row["ended"], row["status"], row["error_type"], row["stop_reason"]) == ("complete", 200, None, "end_turn")
    tokens = [
        row[f"{name}_tokens"]
        for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "thinking")
    ]
    assert tokens == [1, 2, 3, 4, 5, 2]


def test_a_row_has_the_tag_of_its_directive(http, body, control):
    http.post("/v1/messages", json=body("[[usage input=1 output=5 tag=r17]]"))

    assert control.only_row()["tag"] == "r17"


def test_it_has_a_row_for_a_stream(events, body, control):
    events(body("[[usage input=9 output=5 web_search=1]]"))

    row = control.only_row()
    assert (row["stream"], row["ended"], row["input_tokens"], row["output_tokens"]) == (True, "complete", 9, 5)
    assert row["web_search_requests"] == 1


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("[[usage error=529]]", (529, "overloaded_error")),
        ("[[usage error_after=2]]", (529, "overloaded_error")),
        ("[[usage nonsense]]", (400, "invalid_request_error")),
    ],
)
def test_it_has_a_row_without_tokens_for_a_refusal(http, body, control, prompt, told):
    http.post("/v1/messages", json=body(prompt))

    row = control.only_row()
    assert row["ended"] == "error"
    assert (row["status"], row["error_type"]) == told
    assert (row["model"], row["input_tokens"], row["output_tokens"]) == ("claude-haiku-5-5", 0, 0)


def test_it_has_a_row_for_a_call_without_a_key(http, body, control):
    http.post("/v1/messages", json=body(), headers={"x-api-key": ""})

    assert (control.only_row()["status"], control.only_row()["key_hint"]) == (401, "")


def read_some(http, request, *, events):
    """Read so many events of a stream, go away, and give back the text that was in them."""
    text = ""
    with http.stream("POST", "/v1/messages", json={**request, "stream": True}) as answer:
        for number, event in enumerate(anthropic.Stream.raw_events(answer), start=1):
            if event.event == "content_block_delta":
                text += event.json()["delta"]["text"]
            if number == events:
                break
    return text


@pytest.mark.parametrize("events", [1, 2, 5, 20])
def test_it_counts_what_was_generated_when_the_client_went_away(http, body, control, events):
    text = read_some(http, body(SLOW), events=events)

    row = control.row_when_ended()
    assert (row["ended"], row["input_tokens"], row["stop_reason"]) == ("client_gone", 50, None)
    assert max(1, count_text(text)) <= row["output_tokens"] <= max(1, count_text(text)) + 10


@pytest.mark.parametrize("cut", [(0, 0), (1, 1), (3, 1), (4, 40), (13, 400), (15, 400)])
@pytest.mark.parametrize("kind", [("drop_after", "dropped"), ("error_after", "error")])
def test_it_counts_what_was_generated_before_a_stream_broke(http, body, control, kind, cut):
    (fault, ended), (after, generated) = kind, cut
    request = body(f"[[usage input=50 output=400 chunks=10 {fault}={after}]]", stream=True)

    try:
        http.post("/v1/messages", json=request)
    except httpx2.RemoteProtocolError:
        assert fault == "drop_after"

    row = control.row_when_ended()
    assert (row["ended"], row["status"], row["input_tokens"], row["output_tokens"]) == (ended, 200, 50, generated)


def test_it_counts_a_stall_as_a_client_that_went_away(http, body, control):
    with pytest.raises(httpx2.ReadTimeout):
        http.post(
            "/v1/messages", json=body("[[usage input=50 output=400 chunks=10 stall_after=5]]", stream=True), timeout=0.3
        )

    row = control.row_when_ended()
    assert (row["ended"], row["output_tokens"]) == ("client_gone", 80)


def test_it_counts_no_output_of_an_answer_that_nobody_waited_for(http, body, control):
    with pytest.raises(httpx2.ReadTimeout):
        http.post("/v1/messages", json=body("[[usage input=50 output=400 delay_ms=5000]]"), timeout=0.2)

    row = control.row_when_ended()
    assert (row["ended"], row["input_tokens"], row["output_tokens"]) == ("client_gone", 50, 0)


def test_it_counts_a_whole_answer_that_was_cut_on_its_way(http, body, control):
    with pytest.raises(httpx2.RemoteProtocolError):
        http.post("/v1/messages", json=body("[[usage input=50 output=400 drop_after=1]]"))

    row = control.row_when_ended()
    assert (row["ended"], row["output_tokens"]) == ("dropped", 400)


def test_it_totals_every_class_once(http, body, control):
    for _ in range(3):
        http.post(
            "/v1/messages", json=body("[[usage input=1 cache_read=2 cache_write_5m=3 cache_write_1h=4 output=5]]")
        )
    http.post("/v1/messages", json=body("[[usage error=500]]"))

    first, second = control.get("ledger/totals"), control.get("ledger/totals")

    assert first == second
    assert (first["requests"], first["input_tokens"], first["output_tokens"]) == (4, 3, 15)
    assert (first["cache_read_tokens"], first["cache_write_5m_tokens"], first["cache_write_1h_tokens"]) == (6, 9, 12)
    assert first["by_ended"]["complete"]["output_tokens"] == 15
    assert first["by_ended"]["error"]["requests"] == 1
    assert first["by_model"]["claude-haiku-5-5"]["requests"] == 4


def test_it_totals_nothing_as_zero(control):
    totals = control.get("ledger/totals")

    assert (totals["requests"], totals["output_tokens"], totals["by_model"]) == (0, 0, {})


def test_it_is_read_page_by_page(http, body, control):
    sent = [http.post("/v1/messages", json=body()).headers["request-id"] for _ in range(5)]

    first = control.get("ledger", limit=3)
    second = control.get("ledger", limit=3, since_id=first["last_id"])
    third = control.get("ledger", since_id=second["last_id"])

    assert [row["request_id"] for row in first["data"] + second["data"]] == sent
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert (third["data"], third["last_id"]) == ([], second["last_id"])


def test_it_is_filtered(http, body, control):
    mine = http.post("/v1/messages", json=body()).headers["request-id"]
    http.post("/v1/messages", json=body(model="claude-sonnet-5-5"), headers={"x-api-key": "sk-ant-other-9999"})
    http.post("/v1/messages", json=body("[[usage error=500]]"), headers={"x-api-key": "sk-ant-other-9999"})

    assert [row["request_id"] for row in control.get("ledger", request_id=mine)["data"]] == [mine]
    assert control.get("ledger/totals", key="9999")["requests"] == 2
    assert control.get("ledger/totals", key="9999", ended="complete")["requests"] == 1
    assert control.get("ledger/totals", model="claude-sonnet-5-5")["requests"] == 1


def test_it_never_holds_a_key(http, body, control):
    http.post("/v1/messages", json=body())

    assert "sk-ant" not in json.dumps([control.get("ledger"), control.get("requests")])


def test_it_survives_a_restart(start_claude, tmp_path, body):
    with start_claude(tmp_path) as url:
        httpx2.post(f"{url}/v1/messages", json=body("[[usage input=5 output=6]]"), headers={"x-api-key": "k"})
        before = httpx2.get(f"{url}/_sandbox/claude/ledger").json()
    with start_claude(tmp_path) as url:
        after = httpx2.get(f"{url}/_sandbox/claude/ledger").json()
        httpx2.post(f"{url}/v1/messages", json=body(), headers={"x-api-key": "k"})
        rows = httpx2.get(f"{url}/_sandbox/claude/ledger").json()["data"]

    assert before == after
    assert [row["id"] for row in rows] == [1, 2]


def test_it_counts_a_stream_that_the_servers_end_cut_off(start_claude, tmp_path, body):
    endless = body("[[usage input=50 output=400 chunks=10 chunk_delay_ms=60000]]", stream=True)
    with start_claude(tmp_path) as url, httpx2.Client(base_url=url, headers=HEADERS) as http:
        stream = http.stream("POST", "/v1/messages", json=endless)
        next(stream.__enter__().iter_bytes())

    with start_claude(tmp_path) as url:
        rows = httpx2.get(f"{url}/_sandbox/claude/ledger").json()["data"]
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows] == [(50, 1)]


def test_it_has_the_row_of_a_slow_stream_before_its_last_event_is_read(http, body, control):
    request = body("[[usage output=40 chunks=4 chunk_delay_ms=5]]", stream=True)

    with http.stream("POST", "/v1/messages", json=request) as answer:
        for event in anthropic.Stream.raw_events(answer):
            if event.event == "message_stop":
                row = control.only_row()

    assert (row["ended"], row["output_tokens"], row["stop_reason"]) == ("complete", 40, "end_turn")


@pytest.mark.parametrize(("after", "searches"), [(1, 0), (6, 0), (7, 1), (100, 2)])
def test_it_counts_the_searches_made_before_a_stream_broke(http, body, control, after, searches):
    request = body(f"[[usage output=40 web_search=2 chunks=1 drop_after={after}]]", stream=True)

    try:
        http.post("/v1/messages", json=request)
    except httpx2.RemoteProtocolError:
        assert after < 100

    assert control.row_when_ended()["web_search_requests"] == searches
