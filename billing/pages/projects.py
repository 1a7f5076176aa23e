"""Pages of an organization's projects: the list with a form for a new one, and the page of one of them."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Membership, Project
from accounts.pages.access import member_page, require_manager
from accounts.projects import (
    ProjectNotChanged,
    archive_project,
    create_project,
    projects_of,
    rename_project,
    restore_project,
)
from billing.caps.caps import set_project_cap
from billing.pages.frame import account_of
from billing.pages.project_forms import ProjectForm, initial_of
from billing.projects.listing import ProjectRow, listed_projects, project_rows
from common import clock


@require_safe
@member_page
def projects(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's projects."""
    return _list_page(request, membership, form=ProjectForm())


@require_POST
@member_page
def create(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Create a project, with its cap."""
    require_manager(membership)
    form, now = ProjectForm(request.POST), clock.now()
    if form.is_valid():
        try:
            with transaction.atomic():
                name = form.cleaned_data["name"]
                project = create_project(organization_id=membership.organization_id, name=name, now=now)
                if form.cap_minor is not None:
                    set_project_cap(project=project, cap_minor=form.cap_minor, now=now)
        except ProjectNotChanged as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"The project “{project}” is there. Requests may name it at once.")
            return redirect("projects")
    return _list_page(request, membership, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def change(request: HttpRequest, membership: Membership, *, project_id: int) -> HttpResponse:
    """Show the name and cap of a project; a POST changes them."""
    require_manager(membership)
    project = _project_of(membership, project_id)
    row = _rows(membership, [project])[0]
    form = ProjectForm(request.POST if request.method == "POST" else None, initial=initial_of(row))
    if form.is_valid() and _changed(project, form):
        messages.success(request, f"The project “{project}” is changed.")
        return redirect("projects")
    context = {"membership": membership, "project": row, "form": form}
    return render(request, "billing/project.html", context, status=422 if form.is_bound else 200)


def _changed(project: Project, form: ProjectForm) -> bool:
    """Change what the form changes. Returns False, with the form's error, where the name is refused."""
    try:
        with transaction.atomic():
            if "cap" in form.changed_data:
                set_project_cap(project=project, cap_minor=form.cap_minor, now=clock.now())
            rename_project(project=project, name=form.cleaned_data["name"])
    except ProjectNotChanged as error:
        form.add_error("name", str(error))
        return False
    return True


@require_POST
@member_page
def archive(request: HttpRequest, membership: Membership, *, project_id: int) -> HttpResponse:
    """Archive a project."""
    require_manager(membership)
    project = _project_of(membership, project_id)
    archive_project(project=project, now=clock.now())
    messages.success(request, f"The project “{project}” is archived. Its requests are refused within five seconds.")
    return redirect("projects")


@require_POST
@member_page
def restore(request: HttpRequest, membership: Membership, *, project_id: int) -> HttpResponse:
    """Bring an archived project back."""
    require_manager(membership)
    project = _project_of(membership, project_id)
    restore_project(project=project)
    messages.success(request, f"The project “{project}” is back. Requests may name it within five seconds.")
    return redirect("projects")


def _project_of(membership: Membership, project_id: int) -> Project:
    return get_object_or_404(projects_of(organization_id=membership.organization_id), id=project_id)


def _rows(membership: Membership, found: list[Project]) -> list[ProjectRow]:
    return project_rows(found, account=account_of(membership), now=clock.now())


def _list_page(request: HttpRequest, membership: Membership, *, form: ProjectForm) -> HttpResponse:
    rows = _rows(membership, list(listed_projects(organization_id=membership.organization_id)))
    context = {
        "membership": membership,
        "form": form,
        "projects": [row for row in rows if not row.archived],
        "archived": [row for row in rows if row.archived],
    }
    return render(request, "billing/projects.html", context, status=422 if form.is_bound else 200)
