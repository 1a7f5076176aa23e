"""GET /v1/models, and the models as data."""

from __future__ import annotations

import httpx2
import pytest
from anthropic.types import ModelInfo


def ids(page):
    return [model["id"] for model in page["data"]]


def test_it_lists_models_newest_first(claude):
    models = list(claude.models.list())

    assert models[0].id == "claude-haiku-5-5"
    assert [model.created_at for model in models] == sorted((model.created_at for model in models), reverse=True)


def test_it_has_models_of_every_lifecycle(claude):
    assert {model.lifecycle for model in claude.models.list()} == {"active", "deprecated", "retired"}


def test_it_shows_every_field_that_the_sdk_knows(http):
    for model in http.get("/v1/models").json()["data"]:
        assert set(model) == set(ModelInfo.model_fields)
        assert ModelInfo.model_validate(model).id == model["id"]


def test_it_shows_a_model_by_id_and_by_alias(claude):
    assert claude.models.retrieve("claude-sonnet-4-5") == claude.models.retrieve("claude-sonnet-4-5-20250929")


def test_it_says_when_a_deprecated_model_retires(claude):
    model = claude.models.retrieve("claude-sonnet-4-5")

    assert (model.lifecycle, model.retires_at.date().isoformat()) == ("deprecated", "2026-11-30")
    assert model.deprecated_at is not None


def test_it_shows_a_retired_model_that_it_no_longer_answers_with(claude):
    assert claude.models.retrieve("claude-sonnet-4-20250514").lifecycle == "retired"


def test_it_answers_with_a_deprecated_model(http, body):
    assert http.post("/v1/messages", json=body(model="claude-sonnet-4-5-20250929")).status_code == 200


def test_it_turns_pages_forwards_and_backwards(http):
    everything = ids(http.get("/v1/models").json())

    first = http.get("/v1/models?limit=2").json()
    second = http.get(f"/v1/models?limit=2&after_id={first['last_id']}").json()
    back = http.get(f"/v1/models?limit=2&before_id={second['last_id']}").json()

    assert ids(first) + ids(second) == everything[:4]
    assert (first["has_more"], first["first_id"]) == (True, everything[0])
    assert ids(back) == everything[1:3]
    assert back["has_more"] is True


def test_it_turns_every_page_with_the_sdk(claude):
    assert len(list(claude.models.list(limit=2))) == len(list(claude.models.list()))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "after_id=nobody", "after_id=a&before_id=b"]
)
def test_it_refuses_a_page_that_there_is_not(http, query):
    answer = http.get(f"/v1/models?{query}")

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_it_does_not_know_every_model(http):
    answer = http.get("/v1/models/claude-x")

    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "model: claude-x")


def test_it_answers_head_without_a_body(http):
    answer = http.head("/v1/models")

    assert (answer.status_code, answer.content) == (200, b"")


def test_it_retires_a_model_on_demand(http, body, control):
    assert http.post("/v1/messages", json=body()).status_code == 200

    control.post("models/claude-haiku-5-5", lifecycle="retired", retires_at="2026-12-01T00:00:00Z")

    assert http.post("/v1/messages", json=body()).status_code == 404
    assert http.get("/v1/models/claude-haiku-5-5").json()["lifecycle"] == "retired"


def test_it_takes_a_new_model(http, body, control):
    control.post(
        "models/claude-haiku-6", display_name="Claude Haiku 6", created_at="2027-01-01T00:00:00Z", max_tokens=50
    )

    assert ids(http.get("/v1/models").json())[0] == "claude-haiku-6"
    assert (
        http.post("/v1/messages", json=body(model="claude-haiku-6", max_tokens=50)).json()["model"] == "claude-haiku-6"
    )
    assert http.post("/v1/messages", json=body(model="claude-haiku-6", max_tokens=51)).status_code == 400


def test_it_keeps_changed_models_over_a_restart(start_claude, tmp_path):
    with start_claude(tmp_path) as url:
        httpx2.post(f"{url}/_sandbox/claude/models/claude-haiku-6", json={})
    with start_claude(tmp_path) as url:
        answer = httpx2.get(f"{url}/v1/models/claude-haiku-6", headers={"x-api-key": "k"})

    assert answer.json()["id"] == "claude-haiku-6"
