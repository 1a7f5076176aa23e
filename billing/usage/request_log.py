"""The log of an organization's requests, read from the ledger."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from billing.models import UsageRecord
from billing.usage.by_project import in_project


class RequestNotFound(Exception):
    """The organization has made no such request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """A filter of requests. `[starts_at, ends_at)` are billing time; None filters nothing.

    `project` is a word of `in_project`.
    """

    state: str | None = None
    model: str | None = None
    key_id: int | None = None
    project: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def requests_of(*, organization_id: int, wanted: RequestFilter) -> QuerySet[UsageRecord]:
    """Return an organization's requests that match, unordered."""
    conditions = {
        "state": wanted.state,
        "model": wanted.model,
        "api_key_id": wanted.key_id,
        "begun_at__gte": wanted.starts_at,
        "begun_at__lt": wanted.ends_at,
    }
    asked = {name: value for name, value in conditions.items() if value is not None}
    return UsageRecord.objects.filter(organization_id=organization_id, **asked, **in_project(wanted.project))


def request_of(*, organization_id: int, request_id: str) -> UsageRecord:
    """Return one request. Raises RequestNotFound, also for a stranger's."""
    record = UsageRecord.objects.filter(organization_id=organization_id, request_id=request_id).first()
    if record is None:
        raise RequestNotFound(f"Your organization has made no request {request_id}.")
    return record
