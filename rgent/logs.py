"""How a log line looks: JSON in production, readable on a laptop."""

from typing import Any

import structlog


def line_formatter(*, json_lines: bool) -> dict[str, Any]:
    """Return the `logging` configuration of one formatter; what a call passes as `extra` becomes fields of the line."""
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer() if json_lines else _console(),
        ],
        "foreign_pre_chain": [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if json_lines else structlog.stdlib.PositionalArgumentsFormatter(),
        ],
    }


def _console() -> structlog.dev.ConsoleRenderer:
    """Return a renderer of plain tracebacks: structlog's default prints local variables, and keys with them."""
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
