"""`/metrics`: who may read it, and that requests, tokens, errors and rows are in it."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from ruamel.yaml import YAML

from billing.models import TaskRun
from common import figures
from rgent.monitoring import shared_figures, task_runs
from tests.chat.http import messages_body, send
from tests.factories import HAIKU, make_customer, make_subscriber
from tests.rgent.monitoring.figures import TOKEN, scrape, value_of
from tests.rgent.test_documentation import anchors

ROOT = Path(settings.BASE_DIR)
ALERTS = YAML(typ="safe").load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy/grafana/rgent.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.fixture
def token(settings):
    """A setting under which figures may be read."""
    settings.METRICS_TOKEN = TOKEN


@pytest.mark.parametrize(
    ("setting", "sent", "status"),
    [
        ("", "", 404),
        ("", "Bearer ", 404),
        (TOKEN, "", 401),
        (TOKEN, "Bearer wrong", 401),
        (TOKEN, f"Bearer {TOKEN}", 200),
    ],
)
def test_only_the_bearer_of_the_token_reads_it(api, settings, setting, sent, status):
    settings.METRICS_TOKEN = setting

    answer = send(api, "GET", "/metrics", headers={"authorization": sent, "host": "10.0.0.7"})

    assert answer.status == status


def test_a_request_is_counted_with_its_time_its_tokens_and_its_cost(api, token):
    customer = make_subscriber()
    before = scrape(api)

    for stream in (False, True):
        body = messages_body("Hello", stream=stream)
        assert send(api, "POST", "/v1/messages", body=body, headers={"x-api-key": customer.key}).status == 200
    send(api, "POST", "/v1/messages", body=messages_body("Hello"), headers={"x-api-key": "rgent_nobody"})

    after = scrape(api)
    spent = customer.account.spent_minor
    grown = {key: value - before.get(key, 0.0) for key, value in after.items()}
    assert value_of(grown, "rgent_request_seconds_count", path="/v1/messages", status="200") == 2
    assert value_of(grown, "rgent_request_seconds_count", path="/v1/messages", status="401") == 1
    assert value_of(grown, "rgent_request_seconds_bucket", path="/v1/messages", status="200", le="+Inf") == 2
    assert value_of(grown, "rgent_first_token_seconds_count", model=HAIKU) == 1
    assert value_of(grown, "rgent_cost_cents_total", model=HAIKU) == pytest.approx(float(spent))
    assert value_of(grown, "rgent_tokens_total", model=HAIKU, token_class="output") > 0
    assert value_of(after, "rgent_requests_in_flight", handler="api") == 0


def test_an_error_of_claude_is_counted_by_its_status(api, sandbox, token):
    customer = make_customer()
    before = scrape(api)

    send(api, "POST", "/v1/messages", body=messages_body("[[usage error=400]]"), headers={"x-api-key": customer.key})

    grown = value_of(scrape(api), "rgent_upstream_errors_total", kind="400")
    assert grown - value_of(before, "rgent_upstream_errors_total", kind="400") == 1


def test_a_path_that_is_made_up_is_no_figure_of_its_own(api, token):
    send(api, "GET", "/v1/made-up-by-somebody")
    send(api, "GET", "/made-up-by-somebody")

    assert not [labels for _, labels in scrape(api) if "made-up" in str(labels)]


def test_rows_tell_of_tasks(api, token):
    task_runs.note_failure(name="post_usage", error=ValueError("no way"))

    assert value_of(scrape(api), "rgent_task_failures", task="post_usage") == 1
    assert TaskRun.objects.get().last_error == "ValueError: no way"


def test_what_another_process_counted_is_added_and_what_a_dead_one_had_under_way_is_not(monkeypatch):
    gone = 2**22 + 1  # above the largest id of a process
    other = shared_figures.Figures(
        counts={("upstream_errors", ("529",)): 3},
        times={("request", ("/chat", 200)): [1.0] * (len(figures.BOUNDS_S) + 2)},
        usage={"claude-other": ([1, 2, 3, 4, 5], Decimal("0.000000000001"))},
        under_way={"api": 7},
    )
    folder = Path(settings.VAR_DIR) / "figures" / str(os.getppid())
    folder.mkdir(parents=True, exist_ok=True)
    before = shared_figures.of_all_processes()
    for name in (str(gone), str(os.getppid())):
        (folder / name).write_text(other.written())

    total = shared_figures.of_all_processes()

    (folder / str(gone)).unlink()
    (folder / str(os.getppid())).unlink()
    assert total.counts["upstream_errors", ("529",)] - before.counts.get(("upstream_errors", ("529",)), 0) == 6
    assert total.usage["claude-other"] == ([2, 4, 6, 8, 10], Decimal("0.000000000002"))
    assert total.under_way["api"] - before.under_way.get("api", 0) == 7


def test_every_figure_that_an_alert_or_the_dashboard_names_is_there(api, token):
    customer = make_subscriber()
    send(api, "POST", "/v1/messages", body=messages_body("Hi", stream=True), headers={"x-api-key": customer.key})
    send(api, "POST", "/v1/messages", body=messages_body("[[usage error=400]]"), headers={"x-api-key": customer.key})
    task_runs.note_failure(name="post_usage", error=ValueError())
    TaskRun.objects.update(succeeded_at="2026-11-10T12:00Z")
    told = send(api, "GET", "/metrics", headers={"authorization": f"Bearer {TOKEN}"}).body.decode()
    shown = set(re.findall(r"^# TYPE (\w+)", told, flags=re.MULTILINE))

    named = {name for expression in EXPRESSIONS for name in re.findall(r"rgent_\w+", expression)}

    assert len(named) > 15
    assert {name for name in named if re.sub("_(bucket|sum|count)$", "", name) not in shown} == set()


def test_every_figure_is_explained(api, token):
    told = send(api, "GET", "/metrics", headers={"authorization": f"Bearer {TOKEN}"}).body.decode()
    explained = set(re.findall(r"`(rgent_\w+)`", (ROOT / "docs/monitoring.md").read_text()))

    assert set(re.findall(r"^# TYPE (\w+)", told, flags=re.MULTILINE)) == explained


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_the_runbook(rule):
    path, _, anchor = rule["annotations"]["runbook"].partition("#")

    assert anchor in anchors(ROOT / path)
