"""Everything of an organization as one zip file: a JSON file of what it is, and a CSV file for each list.

It is made piece by piece, so that an organization of millions of requests needs no more memory than one of ten.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.models import Model, QuerySet

from accounts.audit import entries_of
from accounts.models import ApiKey, Invitation, Membership, Organization, Project
from billing.bills.invoices import invoices_of
from billing.caps.thresholds import percents_of
from billing.models import BillingAccount, CustomerEndpoint, DailyUsage, KeyBudget, ProjectBudget, UsageRecord
from billing.money import exact_text, to_dollars
from billing.tokens import TOKEN_COLUMNS
from common.rest.csv_table import csv_text

BATCH = 1000
Row = dict[str, Any]
Table = tuple[list[str], Iterator[list[Row]]]


class _Pieces(io.RawIOBase):
    """A file that is only written to, and gives what was written since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def export_pieces(*, organization: Organization) -> Iterator[bytes]:
    """Yield the zip file of everything that the portal knows of an organization. Secrets are not in it."""
    out = _Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("organization.json", json.dumps(_organization(organization), indent=2))
        yield out.take()
        for name, table in TABLES.items():
            columns, batches = table(organization)
            with archive.open(f"{name}.csv", "w") as file:
                file.write(csv_text(columns, []).encode())
                for batch in batches:
                    file.write(csv_text(columns, batch).partition("\r\n")[2].encode())
                    yield out.take()
    yield out.take()


def _organization(organization: Organization) -> Row:
    account = BillingAccount.objects.select_related("plan").get(organization=organization)
    return {
        "name": organization.name,
        "billing_email": organization.email,
        "created_at": organization.created_at.isoformat(),
        "second_factor_required": organization.second_factor_required,
        "plan": account.plan.name,
        "status": account.status,
        "stripe_customer": account.stripe_customer_id,
        "spending_cap": None if account.cap_minor is None else exact_text(account.cap_minor),
        "alerts_at_percent": percents_of(organization),
    }


def _batches(rows: QuerySet[Any], shape: Callable[[Any], Row]) -> Iterator[list[Row]]:
    """Yield rows in batches by id, newest first, so that no query lasts long."""
    before: int | None = None
    while batch := list((rows if before is None else rows.filter(id__lt=before)).order_by("-id")[:BATCH]):
        before = batch[-1].pk
        yield [shape(row) for row in batch]


def _members(organization: Organization) -> Table:
    rows = Membership.objects.filter(organization=organization).select_related("user")

    def shape(row: Membership) -> Row:
        return {"email": row.user.email, "name": row.user.name, "role": row.role, "joined_at": row.created_at}

    return ["email", "name", "role", "joined_at"], _batches(rows, shape)


def _invitations(organization: Organization) -> Table:
    columns = ["email", "role", "created_at", "expires_at", "accepted_at"]
    return columns, _batches(Invitation.objects.filter(organization=organization), _shape_of(columns))


def _keys(organization: Organization) -> Table:
    columns = ["id", "name", "hint", "scopes", "models", "project_id", "cap", "created_by", "created_at"]
    columns += ["last_used_at", "expires_at", "revoked_at"]
    caps = KeyBudget.objects.filter(api_key__organization=organization).values_list("api_key_id", "cap_minor")
    by_key = {key_id: "" if cap is None else exact_text(cap) for key_id, cap in caps}
    rows = ApiKey.objects.filter(organization=organization).select_related("created_by")

    def shape(row: ApiKey) -> Row:
        own = {
            "models": " ".join(row.allowed_models),
            "cap": by_key.get(row.pk, ""),
            "created_by": row.created_by or "",
        }
        return {**_shape_of([each for each in columns if each not in own])(row), **own}

    return columns, _batches(rows, shape)


def _projects(organization: Organization) -> Table:
    columns = ["id", "name", "cap", "created_at", "archived_at"]
    caps = dict(ProjectBudget.objects.filter(project__organization=organization).values_list("project_id", "cap_minor"))

    def shape(row: Project) -> Row:
        cap_minor = caps.get(row.pk)
        own = {"cap": "" if cap_minor is None else exact_text(cap_minor)}
        return {**_shape_of([each for each in columns if each not in own])(row), **own}

    return columns, _batches(Project.objects.filter(organization=organization), shape)


def _webhooks(organization: Organization) -> Table:
    columns = ["id", "url", "events", "created_at", "disabled_at", "disabled_reason"]
    rows = CustomerEndpoint.objects.filter(organization=organization)

    def shape(row: CustomerEndpoint) -> Row:
        own = {"events": " ".join(row.event_types)}
        return {**_shape_of([each for each in columns if each not in own])(row), **own}

    return columns, _batches(rows, shape)


def _log(organization: Organization) -> Table:
    columns = ["at", "actor_name", "act", "detail", "ip"]
    return columns, _batches(entries_of(organization_id=organization.pk), _shape_of(columns))


def _invoices(organization: Organization) -> Table:
    account = BillingAccount.objects.get(organization=organization)
    columns = ["number", "status", "period_starts_at", "period_ends_at", "currency", "total", "unpaid", "page", "pdf"]
    rows: Iterable[Row] = (
        {
            "number": invoice.number,
            "status": invoice.status,
            "period_starts_at": invoice.period.starts_at,
            "period_ends_at": invoice.period.ends_at,
            "currency": invoice.currency,
            "total": to_dollars(invoice.total_minor),
            "unpaid": to_dollars(invoice.unpaid_minor),
            "page": invoice.hosted_url,
            "pdf": invoice.pdf_url,
        }
        for invoice in invoices_of(customer_id=account.stripe_customer_id)
    )
    return columns, iter([list(rows)])


def _daily_usage(organization: Organization) -> Table:
    columns = ["day", "period_starts_at", "model", "api_key_id", "project_id", "trial", "requests", *TOKEN_COLUMNS]
    return _with_cost(columns, DailyUsage.objects.filter(organization=organization))


def _requests(organization: Organization) -> Table:
    columns = ["request_id", "model", "api_key_id", "project_id", "state", "outcome", "streamed", "estimated", "trial"]
    columns += ["begun_at", "settled_at", "period_starts_at", *TOKEN_COLUMNS]
    return _with_cost(columns, UsageRecord.objects.filter(organization=organization))


def _with_cost(columns: list[str], rows: QuerySet[Any]) -> Table:
    """Return a table with each row's exact cost in dollars as its last column."""
    shape = _shape_of(columns)
    return [*columns, "cost"], _batches(rows, lambda row: {**shape(row), "cost": exact_text(row.cost_minor)})


def _shape_of(columns: list[str]) -> Callable[[Model], Row]:
    return lambda row: {name: getattr(row, name) for name in columns}


TABLES: dict[str, Callable[[Organization], Table]] = {
    "members": _members,
    "invitations": _invitations,
    "keys": _keys,
    "projects": _projects,
    "webhooks": _webhooks,
    "log": _log,
    "invoices": _invoices,
    "daily_usage": _daily_usage,
    "requests": _requests,
}
