"""The choice of a project by which pages filter."""

from accounts.projects import projects_of
from billing.usage.by_project import NO_PROJECT, WITHOUT


def project_choices(organization_id: int) -> list[tuple[str, str]]:
    """Return every project of an organization, and none of them; no choice where there are none."""
    names = list(projects_of(organization_id=organization_id).values_list("name", flat=True))
    if not names:
        return []
    return [("", "Any project"), *((name, name) for name in names), (WITHOUT, NO_PROJECT)]
