"""The control API: settings, faults, requests, reset."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest


def refused(http, path, /, **fields):
    answer = http.post(f"/_sandbox/claude/{path}", json=fields)
    assert answer.status_code == 400
    return answer.json()["error"]


def test_it_lets_the_next_calls_fail_and_no_more(http, body, control):
    control.post("faults", error=429, retry_after_s=3, times=2)

    answers = [http.post("/v1/messages", json=body()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert answers[0].json()["error"]["type"] == "rate_limit_error"


def test_it_shows_the_faults_that_wait(http, body, control):
    control.post("faults", error=500, times=2)
    http.post("/v1/messages", json=body())

    (fault,) = control.get("faults")["data"]

    assert (fault["error"], fault["times_left"], fault["path"]) == (500, 1, "messages")


def test_it_clears_faults(http, body, control):
    control.post("faults", error=500)

    http.delete("/_sandbox/claude/faults")

    assert http.post("/v1/messages", json=body()).status_code == 200


def test_it_meets_only_the_calls_that_a_fault_is_for(http, body, control):
    control.post("faults", error=500, model="claude-sonnet-5-5", key="1234")

    mine = http.post("/v1/messages", json=body(model="claude-sonnet-5-5"))
    other_model = http.post("/v1/messages", json=body(), headers={"x-api-key": "sk-1234"})
    both = http.post("/v1/messages", json=body(model="claude-sonnet-5-5"), headers={"x-api-key": "sk-1234"})

    assert [mine.status_code, other_model.status_code, both.status_code] == [200, 200, 500]


def test_it_does_not_waste_a_fault_on_a_wrong_request(http, body, control):
    control.post("faults", error=500)

    http.post("/v1/messages", json=body(max_tokens="many"))

    assert http.post("/v1/messages", json=body()).status_code == 500


@pytest.mark.parametrize(("path", "url"), [("count_tokens", "/v1/messages/count_tokens"), ("models", "/v1/models")])
def test_it_lets_other_paths_fail(http, body, control, path, url):
    request = body()
    del request["max_tokens"]
    control.post("faults", path=path, error=529)

    answer = http.post(url, json=request) if path == "count_tokens" else http.get(url)

    assert answer.status_code == 529
    assert control.get("faults")["data"] == []


def test_it_prefers_a_fault_to_a_directive(http, body, control):
    control.post("faults", error=500)

    assert http.post("/v1/messages", json=body("[[usage error=402]]")).status_code == 500


@pytest.mark.parametrize("fault", [{"drop_after": 3}, {"stall_after": 3}])
def test_it_breaks_streams_on_demand(http, body, control, fault):
    control.post("faults", **fault)

    with pytest.raises(httpx2.TransportError):
        http.post("/v1/messages", json=body(stream=True), timeout=0.5)

    assert http.post("/v1/messages", json=body(stream=True)).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"times": 2},
        {"error": 200},
        {"error": 500, "times": 0},
        {"drop_after": -1},
        {"colour": 1},
        {"path": "x", "error": 500},
        {"path": "models", "drop_after": 1},
    ],
)
def test_it_refuses_a_fault_that_makes_no_sense(http, control, fault):
    assert refused(http, "faults", **fault)
    assert control.get("faults")["data"] == []


def test_it_answers_as_slowly_as_set(http, body, control):
    control.post("settings", latency_ms=150, tokens_per_s=1000)

    answer = http.post("/v1/messages", json=body("[[usage output=200]]"))

    assert answer.elapsed.total_seconds() >= 0.35


def test_it_streams_at_the_speed_set(http, body, control):
    control.post("settings", tokens_per_s=1000)
    started = time.monotonic()

    with http.stream("POST", "/v1/messages", json=body("[[usage output=300 chunks=30]]", stream=True)) as answer:
        arrivals = [time.monotonic() - started for _ in answer.iter_raw()]

    assert arrivals[0] < 0.2
    assert arrivals[-1] >= 0.29


def test_it_counts_what_the_speed_generated_until_the_client_left(http, body, control):
    control.post("settings", tokens_per_s=1000)

    with pytest.raises(httpx2.ReadTimeout):
        http.post("/v1/messages", json=body("[[usage output=900]]"), timeout=0.3)

    assert 150 <= control.row_when_ended()["output_tokens"] <= 600


def test_it_keeps_the_settings_that_are_not_given(control):
    control.post("settings", latency_ms=5)
    control.post("settings", tokens_per_s=7)

    assert control.get("settings") == {"latency_ms": 5, "tokens_per_s": 7}


def test_it_keeps_settings_over_a_restart(start_claude, tmp_path):
    with start_claude(tmp_path) as url:
        httpx2.post(f"{url}/_sandbox/claude/settings", json={"latency_ms": 1})
    with start_claude(tmp_path) as url:
        settings = httpx2.get(f"{url}/_sandbox/claude/settings").json()

    assert settings["latency_ms"] == 1


@pytest.mark.parametrize("fields", [{"latency_ms": -1}, {"speed": 1}, {"tokens_per_s": "fast"}])
def test_it_refuses_settings_that_make_no_sense(http, control, fields):
    assert refused(http, "settings", **fields)


def test_it_shows_requests_as_they_came(http, body, control):
    http.post("/v1/messages?beta=true", json=body(x_new=[1]), headers={"anthropic-beta": "one-2026", "x-mine": "yes"})

    seen = control.get("requests")["data"][0]

    assert seen["body"] == body(x_new=[1])
    assert (seen["path"], seen["query"]) == ("/v1/messages", "beta=true")
    assert (seen["headers"]["anthropic-beta"], seen["headers"]["x-mine"]) == ("one-2026", "yes")
    assert seen["headers"]["x-api-key"] == "...abcd"


def test_it_shows_the_text_of_a_body_that_is_no_json(http, control):
    http.post("/v1/messages", content=b"{oops")

    assert control.get("requests")["data"][0]["body"] == "{oops"


@pytest.mark.parametrize("query", ["limit=x", "limit=10001", "since_id=-1"])
def test_it_refuses_a_wrong_query(http, control, query):
    answer = http.get(f"/_sandbox/claude/ledger?{query}")

    assert answer.status_code == 400
    assert "must be a whole number" in answer.json()["error"]


def test_it_refuses_an_order_that_is_no_json(http, control):
    answer = http.post("/_sandbox/claude/faults", content=b"{")

    assert answer.status_code == 400


def test_it_forgets_everything(http, body, control):
    control.post("settings", latency_ms=5)
    control.post("faults", error=500)
    control.post("models/claude-haiku-6")
    http.post("/v1/messages", json=body())

    control.post("reset")

    assert control.get("settings")["latency_ms"] == 0
    assert control.get("faults")["data"] == []
    assert control.get("ledger")["data"] == []
    assert control.get("requests")["data"] == []
    assert "claude-haiku-6" not in [model["id"] for model in control.get("models")["data"]]


def test_it_answers_at_its_root(http):
    assert http.get("/").json()["type"] == "sandbox"
    assert http.head("/").status_code == 200


def test_it_holds_a_call_until_it_is_released(http, body, control):
    held = body(messages=[{"role": "user", "content": "[[usage input=7 output=3 hold=one]]"}])
    with ThreadPoolExecutor() as pool:
        call = pool.submit(http.post, "/v1/messages", json=held)
        while control.get("held")["data"] != ["one"]:
            assert not call.done()

        control.post("held/release", name="one")

        assert call.result(timeout=5).json()["usage"]["output_tokens"] == 3
    assert refused(http, "held/release", name="one") == "No call is held by the name 'one'"


def test_it_forgets_a_held_call_whose_client_left(http, body, control):
    with pytest.raises(httpx2.TimeoutException):
        http.post("/v1/messages", json=body(messages=[{"role": "user", "content": "[[usage hold=two]]"}]), timeout=0.2)

    while control.get("held")["data"]:
        time.sleep(0.01)
    assert control.get("ledger")["data"][-1]["ended"] == "client_gone"
