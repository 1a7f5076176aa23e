"""The one SQLite file of the sandbox's Claude: the ledger's table, and values that survive a restart."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

FILE_NAME = "claude.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS served (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL UNIQUE,
    message_id TEXT,
    served_at REAL NOT NULL,
    key_hint TEXT NOT NULL,
    model TEXT NOT NULL,
    stream INTEGER NOT NULL,
    ended TEXT NOT NULL,
    status INTEGER NOT NULL,
    error_type TEXT,
    stop_reason TEXT,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    thinking_tokens INTEGER NOT NULL,
    web_search_requests INTEGER NOT NULL,
    tag TEXT NOT NULL DEFAULT ''
) STRICT;
"""


class Store:
    """A connection for one process and one thread. Committed data survives the process' death, and may be lost by a
    power cut.
    """

    def __init__(self, *, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(data_dir / FILE_NAME, isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        # A load test must not measure the sandbox's disk, and a power cut loses nothing of value here.
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.executescript(_SCHEMA)
        self._add_what_an_older_file_lacks()

    def load(self, name: str, *, default: Any) -> Any:
        """Return the JSON value kept under a name."""
        row = self.connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def save(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        self.connection.execute("REPLACE INTO state (name, value) VALUES (?, ?)", (name, json.dumps(value)))

    def _add_what_an_older_file_lacks(self) -> None:
        columns = {row["name"] for row in self.connection.execute("PRAGMA table_info(served)")}
        if "tag" not in columns:
            self.connection.execute("ALTER TABLE served ADD COLUMN tag TEXT NOT NULL DEFAULT ''")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
