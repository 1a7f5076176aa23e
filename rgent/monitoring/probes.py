"""Probes: `/healthz`, `/readyz` and `/metrics`, answered before the host is judged, since machines ask by address.

They pass by Django's handler, so that they are answered while all of its threads wait for something.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import Resolver404
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.api_keys import UnknownApiKey
from chat.answers import Answer
from chat.api import MethodNotAllowed
from common.database import in_database
from common.outage import DatabaseUnavailable
from common.request_ids import new_request_id
from rgent.api.error_shapes import error_answer
from rgent.api.request_body import RequestBody
from rgent.api.sending import send_answer
from rgent.monitoring import rows
from rgent.monitoring.exposition import exposition
from rgent.monitoring.shared_figures import of_all_processes

T = TypeVar("T")
Probe = Callable[[HTTPScope], Awaitable[Answer]]
ANSWERS_WITHIN_S = 5.0


async def answer_probe(probe: Probe, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer one probe."""
    request_id = new_request_id()
    try:
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed(allowed="GET")
        answer = await probe(scope)
    except Exception as error:
        answer = error_answer(error, path=scope["path"], request_id=request_id)
    await send_answer(answer, send, scope=scope, request_id=request_id, body=RequestBody(scope, receive))


async def _healthz(scope: HTTPScope) -> Answer:
    """Tell that this process answers. Where it does not, a restart helps."""
    return _json(HTTPStatus.OK, {"status": "ok"})


async def _readyz(scope: HTTPScope) -> Answer:
    """Tell whether requests may be sent to this process: the database answers, and has the tables of this release."""
    unapplied = await _or_none(_unapplied_migrations)
    checks = {
        "database": "ok" if unapplied is not None else "does not answer",
        "migrations": "unknown" if unapplied is None else f"{unapplied} to apply" if unapplied else "ok",
    }
    ready = set(checks.values()) == {"ok"}
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return _json(status, {"status": "ok" if ready else "not ready", "checks": checks})


async def _metrics(scope: HTTPScope) -> Answer:
    """Show all figures to bearers of METRICS_TOKEN. Without that setting there is nothing at this address."""
    if not settings.METRICS_TOKEN:
        raise Resolver404
    told = dict(scope["headers"]).get(b"authorization", b"")
    if not hmac.compare_digest(told, b"Bearer " + settings.METRICS_TOKEN.encode()):
        raise UnknownApiKey
    figures, measured = await asyncio.to_thread(of_all_processes), await _or_none(rows.measures)
    body = exposition(figures=figures, measured=measured)
    return Answer(body=body, headers={"content-type": CONTENT_TYPE_LATEST})


PROBES: dict[str, Probe] = {"/healthz": _healthz, "/readyz": _readyz, "/metrics": _metrics}


_migrated = False


def _unapplied_migrations() -> int:
    """Ask the database. Once it has all tables, which takes a while to find out, whether it answers is enough."""
    global _migrated  # noqa: PLW0603 - tables do not go away while a process runs
    if _migrated:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return 0
    executor = MigrationExecutor(connection)
    unapplied = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    _migrated = not unapplied
    return unapplied


async def _or_none(work: Callable[[], T]) -> T | None:
    """Return what `work` returns, or None where the database does not answer in time."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            return await in_database(work)
    except (DatabaseUnavailable, TimeoutError):
        return None


def _json(status: HTTPStatus, body: dict[str, object]) -> Answer:
    return Answer(body=json.dumps(body).encode(), status=status, headers={"content-type": "application/json"})
