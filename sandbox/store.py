"""The store of the sandbox's Stripe: its objects as JSON documents in one SQLite file.

One process, one connection, one writer. Every request and every due action runs inside one `transaction()`, so others
see all of it or nothing. `synchronous=OFF` is fast and risks the last moments before a power cut; a killed process
loses nothing.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Filters = Mapping[str, Any]

# The filter for a field that is null.
ABSENT = object()
_FIELD = re.compile(r"[a-z_]+(\.[a-z_]+)*")
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_INDEXED = ("customer", "subscription", "product", "lookup_key", "invoice", "payment_intent", "event_name", "email")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    doc TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, seq);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS agenda (
    action TEXT NOT NULL, subject TEXT NOT NULL, due_at INTEGER NOT NULL, clock TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (action, subject)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    meter TEXT NOT NULL, customer TEXT NOT NULL, timestamp INTEGER NOT NULL, value INTEGER NOT NULL,
    identifier TEXT NOT NULL, received_at INTEGER NOT NULL, cancelled_at INTEGER
);
CREATE INDEX IF NOT EXISTS meter_events_usage ON meter_events (meter, customer, timestamp);
CREATE INDEX IF NOT EXISTS meter_events_identifier ON meter_events (identifier, received_at);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, request_id TEXT NOT NULL,
    status INTEGER NOT NULL, body TEXT NOT NULL, kept_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_kept ON idempotency (kept_at);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL NOT NULL, last_status INTEGER, last_error TEXT, delivered_at REAL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_attempt_at);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
"""
_TABLES = ("objects", "agenda", "meter_events", "idempotency", "deliveries", "settings")


@dataclass(frozen=True)
class Due:
    """An action that is due: `action` on the object `subject`, at `due_at` (unix seconds of sandbox time)."""

    action: str
    subject: str
    due_at: int


class Store:
    """JSON documents by kind (their `object`) and id, newest first, and the tables that need more than that."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(_SCHEMA)
        # A file from before there were test clocks lacks the column.
        if not self.db.execute("SELECT 1 FROM pragma_table_info('agenda') WHERE name = 'clock'").fetchone():
            self.db.execute("ALTER TABLE agenda ADD COLUMN clock TEXT NOT NULL DEFAULT ''")
        self.db.execute("CREATE INDEX IF NOT EXISTS agenda_clock_due ON agenda (clock, due_at)")
        for name in _INDEXED:
            self.db.execute(f"CREATE INDEX IF NOT EXISTS objects_{name} ON objects (kind, {_extract(name)})")

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit on leaving, or roll back on an error and raise it. Inside another transaction, do neither."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo this part of a transaction, and no more, on an error, and raise it."""
        self.db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK TO part")
            raise
        finally:
            self.db.execute("RELEASE part")

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Undo this part of a transaction in any case, so that its outcome can be seen without keeping it."""
        self.db.execute("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            self.db.execute("ROLLBACK TO rehearsal")
            self.db.execute("RELEASE rehearsal")

    def wipe(self, *, keep_kinds: Sequence[str] = ()) -> None:
        """Forget everything but the objects of `keep_kinds`."""
        with self.transaction():
            for table in _TABLES:
                if table != "objects":
                    self.db.execute(f"DELETE FROM {table}")
            marks = ",".join("?" * len(keep_kinds))
            self.db.execute(f"DELETE FROM objects WHERE kind NOT IN ({marks})", tuple(keep_kinds))

    # Documents

    def get(self, kind: str, object_id: str) -> Json | None:
        """Return the document of this kind and id, if there is one."""
        row = self.db.execute("SELECT doc FROM objects WHERE id = ? AND kind = ?", (object_id, kind)).fetchone()
        return json.loads(row[0]) if row else None

    def get_any(self, object_id: str) -> Json | None:
        """Return the document of this id, whatever its kind, if there is one."""
        row = self.db.execute("SELECT doc FROM objects WHERE id = ?", (object_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def insert(self, doc: Json) -> None:
        """Add a document. Raises `sqlite3.IntegrityError` where its id is taken."""
        self.db.execute(
            "INSERT INTO objects (kind, id, doc) VALUES (?, ?, ?)", (doc["object"], doc["id"], json.dumps(doc))
        )

    def save(self, doc: Json) -> None:
        """Replace the document of this id."""
        self.db.execute("UPDATE objects SET doc = ? WHERE id = ?", (json.dumps(doc), doc["id"]))

    def delete(self, object_id: str) -> None:
        """Remove the document of this id."""
        self.db.execute("DELETE FROM objects WHERE id = ?", (object_id,))

    def find(self, kind: str, filters: Filters | None = None, *, oldest_first: bool = False) -> list[Json]:
        """Return every matching document, newest first.

        A filter's value may be a scalar, a list (any of), a range (gt, gte, lt, lte) or ABSENT; None is no filter.
        """
        where, values = _where(kind, filters or {})
        order = "ASC" if oldest_first else "DESC"
        rows = self.db.execute(f"SELECT doc FROM objects WHERE {where} ORDER BY seq {order}", values)
        return [json.loads(row[0]) for row in rows]

    def page(
        self, kind: str, filters: Filters, *, limit: int, after: str | None = None, before: str | None = None
    ) -> tuple[list[Json], bool]:
        """Return up to `limit` documents, newest first, after the id `after` or before the id `before`, and whether
        there are more.
        """
        where, values = _where(kind, filters)
        order = "DESC"
        if after:
            where, values = f"{where} AND seq < (SELECT seq FROM objects WHERE id = ?)", [*values, after]
        elif before:
            where, values, order = f"{where} AND seq > (SELECT seq FROM objects WHERE id = ?)", [*values, before], "ASC"
        rows = self.db.execute(
            f"SELECT doc FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?", [*values, limit + 1]
        )
        docs = [json.loads(row[0]) for row in rows]
        page = docs[:limit]
        return (page[::-1] if before else page), len(docs) > limit

    def has_any(self, kind: str) -> bool:
        """Tell whether there is any document of this kind."""
        return self.db.execute("SELECT 1 FROM objects WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None

    def count(self, kind: str, filters: Filters | None = None) -> int:
        """Count the matching documents."""
        where, values = _where(kind, filters or {})
        (number,) = self.db.execute(f"SELECT count(*) FROM objects WHERE {where}", values).fetchone()
        return int(number)

    # Settings

    def setting(self, name: str) -> Any:
        """Return the stored value, or None."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def set_setting(self, name: str, value: Any) -> None:
        """Store a JSON value under this name."""
        self.db.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    # Agenda

    def schedule(self, action: str, subject: str, *, due_at: int, clock: str = "") -> None:
        """Do `action` on `subject` at `due_at`, by the sandbox's clock or a test clock. Replaces an earlier date."""
        self.db.execute(
            "INSERT OR REPLACE INTO agenda (action, subject, due_at, clock) VALUES (?, ?, ?, ?)",
            (action, subject, due_at, clock),
        )

    def unschedule(self, action: str, subject: str) -> None:
        """Take the action on this subject off the agenda."""
        self.db.execute("DELETE FROM agenda WHERE action = ? AND subject = ?", (action, subject))

    def next_due(self, *, until: float, clock: str = "") -> Due | None:
        """Return the earliest action due by `until`, by the sandbox's clock or a test clock."""
        row = self.db.execute(
            "SELECT action, subject, due_at FROM agenda WHERE clock = ? AND due_at <= ? "
            "ORDER BY due_at, action, subject LIMIT 1",
            (clock, until),
        ).fetchone()
        return Due(*row) if row else None


def _extract(field: str) -> str:
    if not _FIELD.fullmatch(field):
        raise ValueError(f"not a field name: {field!r}")
    return f"json_extract(doc, '$.{field}')"


def _where(kind: str, filters: Filters) -> tuple[str, list[Any]]:
    clauses, values = ["kind = ?"], [kind]
    for field, wanted in filters.items():
        if wanted is None:
            continue
        if wanted is ABSENT:
            clauses.append(f"{_extract(field)} IS NULL")
            continue
        clause, more = _condition(_extract(field), wanted)
        clauses.append(clause)
        values += more
    return " AND ".join(clauses), values


def _condition(expression: str, wanted: Any) -> tuple[str, list[Any]]:
    if isinstance(wanted, Mapping):
        parts = [(f"{expression} {_COMPARISONS[name]} ?", bound) for name, bound in wanted.items()]
        return " AND ".join(clause for clause, _ in parts) or "1", [bound for _, bound in parts]
    if isinstance(wanted, (list, tuple)):
        return f"{expression} IN ({','.join('?' * len(wanted))})", list(wanted)
    return f"{expression} = ?", [wanted]
