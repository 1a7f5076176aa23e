"""Makes the calls of the walk, each in a transaction of its own that is rolled back."""

import re
from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from tests.walk.table import Seen

FORM = "application/x-www-form-urlencoded"
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")
# Rows that any call of a known person may write: a message for the next page, and a key's last use.
NOTES = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM) ("django_session"|"accounts_apikey" SET "last_used_at")')


def visit(client: Client, call: str, *, known: bool, **request: Any) -> tuple[Seen, HttpResponse]:
    """Make a call such as `GET /app/`; return the cell to compare with a table, and the answer.

    Written rows are taken back, and so are the browser's new cookies.
    """
    method, path = call.split(" ", 1)
    cookies = SimpleCookie(client.cookies.output(header="", sep=";"))
    written: list[str] = []
    with transaction.atomic():
        with connection.execute_wrapper(_note_writes(written)):
            answer = client.generic(method, path, **request)
        transaction.set_rollback(True)
    client.cookies = cookies
    wrote = any(not (known and NOTES.match(sql)) for sql in written)
    return Seen(status=answer.status_code, location=answer.headers.get("location", ""), wrote=wrote), answer


def filled(address: str, ids: Mapping[str, object]) -> str:
    """Return an address with ids in the places of its parameters: `<int:key_id>` takes that of `key_id`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), address)


def _note_writes(written: list[str]) -> Callable[..., Any]:
    """Return a wrapper of statements that notes those which wrote a row."""

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if WRITES.match(sql) and (sql.lstrip().startswith("INSERT") or context["cursor"].rowcount > 0):
            written.append(sql)
        return result

    return wrapper
