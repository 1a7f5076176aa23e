"""Lists as CSV, for `?format=csv` or `Accept: text/csv`."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer

# A spreadsheet runs a cell that begins so; a quote makes it text (owasp.org/www-community/attacks/CSV_Injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """Writes the `data` of an answer: a line of names, and a line a row. Text that looks like a formula is quoted."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the table; its columns are those that the view names as `csv_columns`."""
        columns = renderer_context["view"].csv_columns if renderer_context else []
        return csv_text(columns, data["data"]).encode()


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a line of names, and a line for each row with these columns. Text that looks like a formula is quoted."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: safe_cell(row[name]) for name in columns} for row in rows)
    return out.getvalue()


def safe_cell(value: Any) -> str:
    """Return a value as a cell. Text that looks like a formula is quoted."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
