"""An organization's projects with their caps and keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from accounts.models import Project
from accounts.projects import projects_of
from billing.caps.caps import CapBalance, project_cap_balances
from billing.caps.meter import CapMeter, cap_meter
from billing.models import BillingAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow:
    """One project. Without a `cap` only the organization's and the keys' limit it. `keys` belong to it and work."""

    id: int
    name: str
    cap: CapBalance | None
    keys: int
    created_at: datetime
    archived_at: datetime | None

    @property
    def archived(self) -> bool:
        """Whether requests under it are refused."""
        return self.archived_at is not None

    @property
    def meter(self) -> CapMeter | None:
        """The cap, ready for a page."""
        return cap_meter(self.cap) if self.cap else None


def listed_projects(*, organization_id: int, archived: bool | None = None) -> QuerySet[Project]:
    """Return projects by name: those in use, those archived, or all."""
    projects = projects_of(organization_id=organization_id)
    return projects if archived is None else projects.filter(archived_at__isnull=not archived)


def projects_for_key(*, organization_id: int, current: str | None = None) -> QuerySet[Project]:
    """Return the projects that a key may belong to: those in use, and the one that it belongs to."""
    return projects_of(organization_id=organization_id).filter(Q(archived_at__isnull=True) | Q(name=current or ""))


def project_rows(projects: Iterable[Project], *, account: BillingAccount, now: datetime) -> list[ProjectRow]:
    """Return the rows of an organization's projects, in order. `now` is billing time."""
    found = list(projects)
    caps = project_cap_balances(account=account, now=now) if account.has_key_caps else {}
    keys = _working_keys([project.id for project in found], now=now)
    return [
        ProjectRow(
            id=project.id,
            name=project.name,
            cap=caps.get(project.id),
            keys=keys.get(project.id, 0),
            created_at=project.created_at,
            archived_at=project.archived_at,
        )
        for project in found
    ]


def _working_keys(project_ids: list[int], *, now: datetime) -> dict[int, int]:
    unexpired = Q(api_keys__expires_at__isnull=True) | Q(api_keys__expires_at__gt=now)
    working = Q(api_keys__revoked_at__isnull=True) & unexpired
    counted = Project.objects.filter(id__in=project_ids).annotate(working=Count("api_keys", filter=working))
    return dict(counted.order_by("id").values_list("id", "working"))
