"""Log lines: one JSON object each in production, readable text on a laptop."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from common import log_fields

# The fields of every record. All others were passed as `extra`.
OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

# Neither form of line names the caller's file, thread or process, and to look them up for each record is a third of the
# time of a line (Python's logging HOWTO, "Optimization").
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

_as_json = json.JSONEncoder(default=str).encode

# Links of mails: the rest of their path opens an organization or an account. In a query the slashes are escaped.
_SLASH = "(?:/|%(?:25)*2F)"
SECRET_IN_LINK = re.compile(
    rf"((?:app{_SLASH}(?:invitations|notifications{_SLASH}off)|confirm-email|password{_SLASH}reset{_SLASH}key){_SLASH})[^\s/?&'\"<>%\\]+",
    re.IGNORECASE,
)


def without_secrets(line: str) -> str:
    """Return a line with `...` for the secret part of links that we mail."""
    return SECRET_IN_LINK.sub(r"\1...", line)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of the request or task that runs, and those that the call of the logger passed as `extra`."""
    passed = {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
    return {**log_fields.current(), **passed}


class JsonLines(logging.Formatter):
    """One JSON object a line: timestamp, level, logger, event, and the fields of request, task and call."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Values that JSON lacks are written as text."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_secrets(_as_json(line))


class ReadableLines(logging.Formatter):
    """The time, the level, what happened, and what the call passed as `extra`; a traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line without a traceback."""
        fields = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in fields_of(record).items())
        return super().formatMessage(record) + fields
