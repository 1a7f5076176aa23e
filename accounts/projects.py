"""Projects: made, renamed, archived, and found by the name that a request sends."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import AuditEvent, note_change
from accounts.key_memory import Caller, KeyProject
from accounts.models import ApiKey, Organization, Project
from accounts.project import PROJECT_NAME
from common.database import in_database

# Archived ones count: their usage is kept.
MOST_PROJECTS = 200
# How long a process trusts what it knows of a project that a header names.
REMEMBERED_S = 3.0
MOST_REMEMBERED = 50_000
# Unknown names are looked up no more often than this, for each organization and process: threads that look up are few.
MOST_UNKNOWN_A_MINUTE = 60
NAME_RULE = (
    "A name has 1 to 64 lower-case letters, digits, dots, hyphens or underscores, and begins with a letter or digit."
)


class ProjectRefused(Exception):
    """The request names no project that it may use. The message says which it may."""


class ProjectNotChanged(Exception):
    """The project cannot be made or changed so. The message says why."""


@dataclass(frozen=True, slots=True)
class _Known:
    project: KeyProject
    until_s: float


_known: dict[tuple[int, str], _Known] = {}
_unknown: defaultdict[int, deque[float]] = defaultdict(deque)


def projects_of(*, organization_id: int) -> QuerySet[Project]:
    """Return an organization's projects by name, archived ones among them."""
    return Project.objects.filter(organization_id=organization_id).order_by("name", "id")


@transaction.atomic
def create_project(*, organization_id: int, name: str, now: datetime) -> Project:
    """Create a project. `now` is billing time. Raises ProjectNotChanged."""
    Organization.objects.select_for_update().get(id=organization_id)  # two at once would both find the last place
    if projects_of(organization_id=organization_id).count() >= MOST_PROJECTS:
        raise ProjectNotChanged(f"An organization has at most {MOST_PROJECTS} projects, archived ones too: rename one.")
    project = Project(organization_id=organization_id, name=_checked(name), created_at=now)
    _save(project, fields=None)
    note_change(AuditEvent.PROJECT_CREATED, organization_id=organization_id, detail=name)
    return project


@transaction.atomic
def rename_project(*, project: Project, name: str) -> None:
    """Give a project another name; the old one is refused within seconds. Raises ProjectNotChanged."""
    old = project.name
    project.name = _checked(name)
    if name != old:
        _save(project, fields=["name"])
        _tell_keys(project)
        note_change(AuditEvent.PROJECT_CHANGED, organization_id=project.organization_id, detail=f"{old}, now {name}")


@transaction.atomic
def archive_project(*, project: Project, now: datetime) -> bool:
    """Refuse requests under a project within seconds. Returns False if it was archived before. `now`: billing time."""
    return _set_archived(project, at=now, event=AuditEvent.PROJECT_ARCHIVED)


@transaction.atomic
def restore_project(*, project: Project) -> bool:
    """Let requests under an archived project in again. Returns False if it is not archived."""
    return _set_archived(project, at=None, event=AuditEvent.PROJECT_RESTORED)


async def caller_in_project(*, caller: Caller, named: str) -> Caller:
    """Return the caller with the project that its request belongs to: that of its key, or the one that it names.

    Raises ProjectRefused.
    """
    project = caller.project
    if project and named not in {"", project.name}:
        raise ProjectRefused(
            f"rgent-project: this key belongs to the project {project.name!r}. Send that, or no such header."
        )
    if project is None and not named:
        return caller
    if project is None:
        project = await _find(caller.organization_id, named)
    if project and project.archived:
        raise ProjectRefused(f"The project {project.name!r} is archived. Bring it back at {_page()}, or use another.")
    return replace(caller, project=project)


async def _find(organization_id: int, name: str) -> KeyProject:
    known = _known.get((organization_id, name))
    if known and known.until_s > time.monotonic():
        return known.project
    if not PROJECT_NAME.fullmatch(name):
        raise ProjectRefused(f"rgent-project: {NAME_RULE}")
    _refuse_guesses(organization_id)
    try:
        project = await in_database(_look_up, organization_id, name)
    except ProjectRefused:
        _unknown[organization_id].append(time.monotonic())
        raise
    if len(_known) >= MOST_REMEMBERED:
        _known.clear()
    _known[organization_id, name] = _Known(project, until_s=time.monotonic() + REMEMBERED_S)
    return project


def _refuse_guesses(organization_id: int) -> None:
    if len(_unknown) >= MOST_REMEMBERED:
        _unknown.clear()
    lately = _unknown[organization_id]
    while lately and lately[0] < time.monotonic() - 60:
        lately.popleft()
    if len(lately) >= MOST_UNKNOWN_A_MINUTE:
        raise ProjectRefused(f"rgent-project: too many unknown names in a minute. Send one of {_page()}, in a minute.")


def _look_up(organization_id: int, name: str) -> KeyProject:
    project = projects_of(organization_id=organization_id).filter(name=name).first()
    if project is None:
        raise ProjectRefused(f"rgent-project: there is no project {name!r} here. Create it at {_page()}")
    return KeyProject(id=project.id, name=project.name, archived=project.archived_at is not None)


def forget_projects() -> None:
    """Forget what this process knows of projects."""
    _known.clear()
    _unknown.clear()


def _checked(name: str) -> str:
    if not PROJECT_NAME.fullmatch(name):
        raise ProjectNotChanged(NAME_RULE)
    return name


def _save(project: Project, *, fields: list[str] | None) -> None:
    try:
        with transaction.atomic():
            project.save(update_fields=fields)
    except IntegrityError as error:
        raise ProjectNotChanged(f"There is a project {project.name!r} already, perhaps an archived one.") from error


def _set_archived(project: Project, *, at: datetime | None, event: AuditEvent) -> bool:
    before = Project.objects.filter(id=project.id, archived_at__isnull=at is not None)
    changed = bool(before.update(archived_at=at))
    if changed:
        _tell_keys(project)
        note_change(event, organization_id=project.organization_id, detail=project.name)
    return changed


def _tell_keys(project: Project) -> None:
    """Have every process forget the keys of a project, since it remembers the project with them."""
    ApiKey.objects.filter(project=project).update(changed_at=timezone.now())


def _page() -> str:
    return f"{settings.PUBLIC_URL}/app/projects/"
