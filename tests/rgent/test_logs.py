"""The form of log lines."""

import json
import logging
from contextvars import copy_context
from decimal import Decimal

import pytest

from common import log_fields
from rgent.logs import JsonLines, ReadableLines


def record(message: str, *arguments: object, error: Exception | None = None, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "billing.metering.outbox", "levelname": "WARNING", "created": 1_700_000_000.5, **extra}
    )
    made.msg, made.args = message, arguments
    if error:
        made.exc_info = (type(error), error, None)
    return made


def test_a_json_line_holds_what_the_call_passed():
    line = json.loads(JsonLines().format(record("sent %d", 3, request_id="req_1", cost=Decimal("0.65"))))

    assert line == {
        "timestamp": "2023-11-14T22:13:20.500000+00:00",
        "level": "warning",
        "logger": "billing.metering.outbox",
        "event": "sent 3",
        "request_id": "req_1",
        "cost": "0.65",
    }


def test_a_line_holds_the_fields_of_its_request_and_no_other():
    def write(request_id: str) -> str:
        log_fields.begin(request_id=request_id)
        log_fields.add(organization_id=7)
        return JsonLines().format(record("request", status=200))

    first, second = (json.loads(copy_context().run(write, request_id)) for request_id in ("req_1", "req_2"))

    assert (first["request_id"], second["request_id"], second["organization_id"]) == ("req_1", "req_2", 7)
    assert "request_id" not in json.loads(JsonLines().format(record("outside")))


def test_a_json_line_is_one_line_with_a_traceback_in_it():
    text = JsonLines().format(record("broke\noff", error=ValueError("no\nway")))

    assert "\n" not in text
    assert "ValueError: no\nway" in json.loads(text)["exception"]


def test_a_readable_line_cannot_be_forged_by_what_a_caller_sends():
    text = ReadableLines().format(record("request", path="/v1/\n00:00:00 INFO forged"))

    assert text.endswith(r'billing.metering.outbox: request path="/v1/\n00:00:00 INFO forged"')


def test_a_readable_line_has_its_traceback_below():
    text = ReadableLines().format(record("broke off", status=500, error=ValueError("no way")))

    first, *rest = text.splitlines()
    assert first.endswith("broke off status=500")
    assert rest[-1] == "ValueError: no way"


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines()])
@pytest.mark.parametrize(
    "path",
    [
        "/app/invitations/SECRET",
        "/accounts/login/?next=/app/invitations/SECRET&a=b",
        "/accounts/login/?next=%2Fapp%2Finvitations%2FSECRET",
        "/accounts/confirm-email/SECRET/",
        "/accounts/password/reset/key/1-SECRET/",
    ],
)
def test_no_line_has_the_secret_of_a_mailed_link(formatter, path):
    text = formatter.format(record("Not Found: %s", path, request=f"<ASGIRequest: GET '{path}'>", error=OSError(path)))

    assert "Not Found" in text
    assert "SECRET" not in text
