"""Log lines: one JSON object each in production, readable text on a laptop."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

# The fields of every record. All others were passed as `extra`.
OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields that a call of the logger passed as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}


class JsonLines(logging.Formatter):
    """One JSON object a line: timestamp, level, logger, event, and what the call passed as `extra`."""

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
        return json.dumps(line, default=str)


class ReadableLines(logging.Formatter):
    """The time, the level, what happened, and what the call passed as `extra`; a traceback below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line without a traceback."""
        fields = "".join(f" {name}={json.dumps(value, default=str)}" for name, value in fields_of(record).items())
        return super().formatMessage(record) + fields
