"""`/healthz` and `/readyz`."""

import pytest
from django.db.migrations.recorder import MigrationRecorder

from rgent.monitoring import probes
from tests.chat.http import send


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_well_whatever_the_host(api, path):
    answer = send(api, "GET", path, headers={"host": "10.0.0.7"})

    assert (answer.status, answer.json["status"]) == (200, "ok")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_it_takes_no_other_method(api, path):
    assert send(api, "POST", path).status == 405


def test_a_process_whose_tables_are_of_an_older_release_is_not_ready(api, monkeypatch, settings):
    monkeypatch.setattr(probes, "_migrated", False)
    settings.MIGRATION_MODULES = {}
    MigrationRecorder(_connection()).ensure_schema()

    answer = send(api, "GET", "/readyz")

    assert answer.status == 503
    assert answer.json["checks"]["migrations"].endswith("to apply")
    assert send(api, "GET", "/healthz").status == 200


def _connection():
    from django.db import connection

    return connection
