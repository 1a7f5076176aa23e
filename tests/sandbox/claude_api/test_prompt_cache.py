"""Prompt caching: reads and writes as Claude bills them."""

from __future__ import annotations

import pytest

FIVE_MINUTES = {"type": "ephemeral"}
ONE_HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG_TOKENS = 600


def text(letter, *, tokens=LONG_TOKENS, **fields):
    """A text block of that many tokens."""
    return {"type": "text", "text": letter * (4 * tokens), **fields}


@pytest.fixture
def bill(http, body):
    """Sends a request and gives back (uncached, read, 5-minute writes, 1-hour writes)."""

    def send(**fields):
        answer = http.post("/v1/messages", json=body(**fields))
        assert answer.status_code == 200, answer.text
        usage = answer.json()["usage"]
        split = usage["cache_creation"]
        assert usage["cache_creation_input_tokens"] == sum(split.values())
        return (
            usage["input_tokens"],
            usage["cache_read_input_tokens"],
            split["ephemeral_5m_input_tokens"],
            split["ephemeral_1h_input_tokens"],
        )

    return send


def test_it_writes_first_and_reads_afterwards(bill):
    system = [text("a", cache_control=FIVE_MINUTES)]

    first, second = bill(system=system), bill(system=system)

    assert first == (10, 0, LONG_TOKENS, 0)
    assert second == (10, LONG_TOKENS, 0, 0)


def test_it_caches_nothing_without_a_marker(bill):
    first, second = bill(system=[text("a")]), bill(system=[text("a")])

    assert first == second == (10 + LONG_TOKENS, 0, 0, 0)


def test_it_keeps_one_hour_writes_apart(bill):
    assert bill(system=[text("a", cache_control=ONE_HOUR)]) == (10, 0, 0, LONG_TOKENS)


def test_it_splits_both_lifetimes_in_one_request(bill):
    system = [text("a", cache_control=ONE_HOUR), text("b", cache_control=FIVE_MINUTES)]

    assert bill(system=system) == (10, 0, LONG_TOKENS, LONG_TOKENS)


def test_it_reads_the_beginning_and_writes_the_rest(bill):
    bill(system=[text("a", cache_control=FIVE_MINUTES)])

    usage = bill(system=[text("a", cache_control=FIVE_MINUTES), text("b", cache_control=FIVE_MINUTES)])

    assert usage == (10, LONG_TOKENS, LONG_TOKENS, 0)


def test_it_finds_an_earlier_prefix_from_a_marker_that_moved(bill):
    bill(system=[text("a", cache_control=FIVE_MINUTES)])

    usage = bill(system=[text("a"), text("b", cache_control=FIVE_MINUTES)])

    assert usage == (10, LONG_TOKENS, LONG_TOKENS, 0)


@pytest.mark.parametrize(("blocks_between", "is_read"), [(18, True), (19, True), (20, False)])
def test_it_looks_back_twenty_blocks(bill, blocks_between, is_read):
    bill(system=[text("a", cache_control=FIVE_MINUTES)])
    between = [text(str(number), tokens=1) for number in range(blocks_between - 1)]

    _, read, _, _ = bill(system=[text("a"), *between, text("z", tokens=1, cache_control=FIVE_MINUTES)])

    assert (read == LONG_TOKENS) is is_read


def test_it_misses_where_anything_before_the_marker_differs(bill):
    bill(system=[text("a", cache_control=FIVE_MINUTES)])

    assert bill(system=[text("A", cache_control=FIVE_MINUTES)]) == (10, 0, LONG_TOKENS, 0)


def test_it_does_not_cache_less_than_the_models_minimum(bill):
    system = [text("a", tokens=511, cache_control=FIVE_MINUTES)]

    assert bill(system=system) == bill(system=system) == (521, 0, 0, 0)


def test_it_knows_the_minimum_of_each_model(bill):
    system = [text("a", tokens=4095, cache_control=FIVE_MINUTES)]

    assert bill(system=system, model="claude-haiku-4-5") == (4105, 0, 0, 0)


def test_it_keeps_models_apart(bill):
    system = [text("a", cache_control=FIVE_MINUTES)]
    bill(system=system)

    assert bill(system=system, model="claude-sonnet-5-5") == (10, 0, LONG_TOKENS, 0)


def test_it_keeps_keys_apart(http, body):
    request = body(system=[text("a", cache_control=FIVE_MINUTES)])
    http.post("/v1/messages", json=request)

    other = http.post("/v1/messages", json=request, headers={"x-api-key": "sk-ant-somebody-else"})

    assert other.json()["usage"]["cache_read_input_tokens"] == 0


@pytest.mark.parametrize(("control_", "lifetime_s"), [(FIVE_MINUTES, 300), (ONE_HOUR, 3600)])
def test_it_forgets_after_the_lifetime(bill, control, control_, lifetime_s):
    system = [text("a", cache_control=control_)]
    bill(system=system)

    control.post("cache/age", seconds=lifetime_s + 1)

    assert bill(system=system)[1] == 0


def test_it_renews_the_lifetime_with_each_read(bill, control):
    system = [text("a", cache_control=FIVE_MINUTES)]
    bill(system=system)

    for _ in range(3):
        control.post("cache/age", seconds=200)
        assert bill(system=system)[1] == LONG_TOKENS


def test_it_marks_the_last_block_by_itself(bill):
    request = {"system": [text("a")], "cache_control": FIVE_MINUTES}

    assert bill(**request) == (0, 0, LONG_TOKENS + 10, 0)
    assert bill(**request) == (0, LONG_TOKENS + 10, 0, 0)


def test_it_caches_tools_before_the_system_prompt(bill):
    schema = {"type": "object", "description": "a" * 4000}
    tool = {"name": "zoom", "input_schema": schema, "cache_control": FIVE_MINUTES}

    uncached, read, written, _ = bill(tools=[tool], tool_choice={"type": "none"}, system=[text("b")])

    assert (uncached, read) == (10 + LONG_TOKENS, 0)
    assert written > 1000


def test_it_writes_nothing_for_a_call_that_fails(bill, http, body, control):
    system = [text("a", cache_control=FIVE_MINUTES)]
    control.post("faults", error=529)
    http.post("/v1/messages", json=body(system=system))

    assert bill(system=system)[1] == 0


def test_it_warms_up_without_an_answer(bill):
    system = [text("a", cache_control=FIVE_MINUTES)]

    bill(system=system, max_tokens=0)

    assert bill(system=system)[1] == LONG_TOKENS


def test_it_refuses_a_fifth_marker(http, body):
    answer = http.post(
        "/v1/messages", json=body(system=[text(letter, cache_control=FIVE_MINUTES) for letter in "abcde"])
    )

    assert answer.json()["error"]["message"] == "A maximum of 4 blocks with cache_control may be provided. Found 5."


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_it_refuses_a_longer_lifetime_after_a_shorter_one(http, body, path):
    request = body(system=[text("a", cache_control=FIVE_MINUTES), text("b", cache_control=ONE_HOUR)])
    if path.endswith("count_tokens"):
        del request["max_tokens"]

    answer = http.post(path, json=request)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(
        "system.1.cache_control.ttl: a ttl='1h' cache_control block must not"
    )


@pytest.mark.parametrize("wrong", [{"type": "permanent"}, {"type": "ephemeral", "ttl": "2h"}, "ephemeral"])
def test_it_refuses_a_marker_that_claude_does_not_know(http, body, wrong):
    assert http.post("/v1/messages", json=body(system=[text("a", cache_control=wrong)])).status_code == 400
