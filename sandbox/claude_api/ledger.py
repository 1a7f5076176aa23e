"""The ledger of calls that the sandbox's Claude served: the truth to compare a reseller's own records with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal, get_args

from sandbox.claude_api.store import Store

Ended = Literal["complete", "client_gone", "dropped", "error"]
ENDINGS: tuple[Ended, ...] = get_args(Ended)
MOST_ROWS_A_PAGE = 10_000

COUNTED = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "thinking_tokens",
    "web_search_requests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One call of `POST /v1/messages`, and how it ended.

    `input_tokens` excludes the cached classes. `output_tokens` are those generated until the call ended: all of the
    answer's where it is complete, those sent so far where it was cut short. A call refused before it was answered
    (`ended` "error", `status` 400 and above) has no tokens; an error within a stream keeps its `status` 200. `tag` is
    the directive's, by which a test knows its own call.
    """

    request_id: str
    message_id: str | None = None
    tag: str = ""
    served_at: float = field(default_factory=time.time)
    key_hint: str
    model: str
    stream: bool
    ended: Ended
    status: int = 200
    error_type: str | None = None
    stop_reason: str | None = None
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    web_search_requests: int = 0


_COLUMNS = tuple(each.name for each in fields(Served))
_as_row = attrgetter(*_COLUMNS)
_INSERT = f"INSERT INTO served ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A choice of rows; None takes all. `key` is a key's last four characters. Rows have ids above `since_id`."""

    since_id: int = 0
    key: str | None = None
    model: str | None = None
    ended: str | None = None
    request_id: str | None = None

    def where(self) -> tuple[str, list[object]]:
        """Return the SQL condition and its parameters."""
        named = {"key_hint": self.key, "model": self.model, "ended": self.ended, "request_id": self.request_id}
        given = {column: value for column, value in named.items() if value is not None}
        conditions = ["id > ?", *(f"{column} = ?" for column in given)]
        return " AND ".join(conditions), [self.since_id, *given.values()]


class Ledger:
    """Rows in SQLite, each committed by itself, which takes some ten microseconds."""

    def __init__(self, *, store: Store) -> None:
        self._connection = store.connection

    def record(self, row: Served) -> None:
        """Commit a row; call it before the answer's last byte leaves, so that a killed process forgets no answer."""
        self._connection.execute(_INSERT, _as_row(row))

    def rows(self, *, wanted: Filter, limit: int) -> list[dict[str, Any]]:
        """Return the rows in the order they were served, each with its `id`."""
        where, parameters = wanted.where()
        return self._select(f"WHERE {where} ORDER BY id LIMIT ?", [*parameters, limit])

    def newest(self, *, wanted: Filter, limit: int, before_id: int | None = None) -> list[dict[str, Any]]:
        """Return up to `limit` rows with an id below `before_id`, newest first."""
        where, parameters = wanted.where()
        before = 2**63 - 1 if before_id is None else before_id
        return self._select(f"WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?", [*parameters, before, limit])

    def totals(self, *, wanted: Filter) -> dict[str, Any]:
        """Return the number of requests and the tokens of every class: in all, by model, and by how the call ended."""
        return {
            **self._sums(wanted)[0],
            "by_model": self._grouped(wanted, column="model"),
            "by_ended": self._grouped(wanted, column="ended"),
        }

    def clear(self) -> None:
        """Forget every row. Their ids are not used again."""
        self._connection.execute("DELETE FROM served")

    def _select(self, rest: str, parameters: list[object]) -> list[dict[str, Any]]:
        cursor = self._connection.execute(f"SELECT * FROM served {rest}", parameters)
        return [{**row, "stream": bool(row["stream"])} for row in map(dict, cursor)]

    def _grouped(self, wanted: Filter, *, column: str) -> dict[str, dict[str, Any]]:
        return {str(row.pop(column)): row for row in self._sums(wanted, column=column)}

    def _sums(self, wanted: Filter, *, column: str | None = None) -> list[dict[str, Any]]:
        where, parameters = wanted.where()
        sums = ", ".join(f"COALESCE(SUM({each}), 0) AS {each}" for each in COUNTED)
        select, group = (f"{column}, ", f"GROUP BY {column} ORDER BY {column}") if column else ("", "")
        query = f"SELECT {select}COUNT(*) AS requests, {sums} FROM served WHERE {where} {group}"
        return [dict(row) for row in self._connection.execute(query, parameters)]
