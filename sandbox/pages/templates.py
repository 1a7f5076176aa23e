"""The sandbox's templates, and how its pages write moments, amounts and objects."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from sandbox.stripe_api.protocol import money

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Ids of objects that have a page, in the quotes of escaped JSON.
_ID_IN_JSON = re.compile(
    r"&#34;((?:bpc|bps|ch|cs_test|cus|evt|ii|in|inpay|mtr_test|pi|pm|price|prod|req|seti|si|sub|txn|we)_[A-Za-z0-9]{8,})"
    r"&#34;"
)


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render an HTML answer. Pages load nothing from elsewhere and may not be framed."""
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(values), status, _HEADERS)


def moment(value: float | None) -> str:
    """Write `2026-11-22 10:32:05 UTC`, or a dash for none."""
    return datetime.fromtimestamp(value, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else "–"


def day(value: float | None) -> str:
    """Write `22 November 2026`, in UTC, or a dash for none."""
    if not value:
        return "–"
    date = datetime.fromtimestamp(value, tz=UTC)
    return f"{date.day} {date:%B %Y}"


def amount(value: int | str | None, currency: str | None) -> str:
    """Write `$10.02`, or a dash for none. `value` is in cents."""
    return "–" if value is None else money.display(Decimal(value), currency or "usd")


def count(number: int, noun: str) -> str:
    """Write `1 event`, `1,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def linked_json(value: Any) -> Markup:
    """Write JSON for people, with a link from every id to its object."""
    text = str(escape(json.dumps(value, indent=2, ensure_ascii=False)))
    return Markup(_ID_IN_JSON.sub(r'&#34;<a href="/dashboard/objects/\1">\1</a>&#34;', text))  # noqa: S704 - escaped


_ENVIRONMENT.filters |= {"moment": moment, "day": day, "linked_json": linked_json}
_ENVIRONMENT.globals |= {"amount": amount, "count": count}
