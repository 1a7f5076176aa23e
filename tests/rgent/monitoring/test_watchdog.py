"""The sign of life: told while the essential tasks succeed, and not otherwise."""

import http.server
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import TaskRun
from rgent.monitoring.task_runs import ESSENTIAL, note_success
from rgent.tasks import tell_watchdog


@pytest.fixture
def watchdog(settings, db):
    """A service that counts the calls it gets."""
    calls = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format, *args):
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/alive"
        yield calls
        server.shutdown()


def test_it_is_told_while_the_essential_tasks_succeed(watchdog):
    for name in ESSENTIAL:
        note_success(name=name)

    tell_watchdog()

    assert watchdog == ["/alive"]


def test_it_is_not_told_where_one_of_them_is_silent(watchdog):
    TaskRun.objects.bulk_create(TaskRun(name=name, succeeded_at=timezone.now()) for name in ESSENTIAL)
    TaskRun.objects.filter(name="post_usage").update(succeeded_at=timezone.now() - timedelta(minutes=6))

    tell_watchdog()

    assert watchdog == []
