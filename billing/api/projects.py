"""Projects: made, renamed, capped, archived."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Project
from accounts.projects import archive_project, create_project, projects_of, rename_project, restore_project
from billing.api.base import BillingView
from billing.caps.caps import set_project_cap
from billing.projects.listing import project_rows
from common.rest.fields import Amount, Instant, StrictSerializer, Text
from common.rest.paging import PageQuery, page_body, page_of, page_schema

NAME_HELP = "Lower-case letters, digits, dots, hyphens and underscores. Requests send it as `rgent-project`."
CAP_HELP = 'Its own spending cap, in cents a billing period, for example "500" for $5; null for none.'


class ProjectOut(serializers.Serializer[Any]):
    """A project, with its cap."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text=NAME_HELP)
    archived = serializers.BooleanField(help_text="Requests under it are refused.")
    keys = serializers.IntegerField(help_text="The keys that belong to it and work.")
    cap_minor = Amount(source="cap.cap_minor", default=None, allow_null=True, help_text=CAP_HELP)
    spent_minor = Amount(
        source="cap.spent_minor",
        default=None,
        allow_null=True,
        help_text="Its spending since the period began; null without a cap.",
    )
    held_minor = Amount(
        source="cap.held_minor",
        default=None,
        allow_null=True,
        help_text="The most that its running requests may still cost; null without a cap.",
    )
    left_minor = Amount(
        source="cap.left_minor", default=None, allow_null=True, help_text="The rest of its cap; null without one."
    )
    created_at = Instant()
    archived_at = Instant(allow_null=True)


class ProjectChange(StrictSerializer):
    """The changes to a project. A field that is not sent stays."""

    name = Text(max_length=64, required=False, help_text=NAME_HELP)
    cap_minor = Amount(allow_null=True, required=False, help_text=CAP_HELP)
    archived = serializers.BooleanField(required=False, help_text="True to refuse requests under it.")


class ProjectCreation(StrictSerializer):
    """The terms of a new project."""

    name = Text(max_length=64, help_text=NAME_HELP)
    cap_minor = Amount(allow_null=True, required=False, help_text=CAP_HELP)


class ProjectEndpoint(BillingView):
    """The base of the endpoints of projects."""

    def shown(self, *projects: Project) -> list[dict[str, Any]]:
        """Return projects of the organization in the shape of an answer."""
        self.account.refresh_from_db(fields=["has_key_caps"])
        return [dict(ProjectOut(row).data) for row in project_rows(projects, account=self.account, now=self.now)]

    def project_of(self, project_id: int) -> Project:
        """Return one project of the organization. Raises NotFound, also for a stranger's."""
        project = projects_of(organization_id=self.organization_id).filter(id=project_id).first()
        if project is None:
            raise NotFound(f"Your organization has no project {project_id}.")
        return project


class ProjectsView(ProjectEndpoint):
    """The organization's projects."""

    @extend_schema(
        operation_id="list_projects",
        summary="List projects",
        parameters=[PageQuery],
        responses=page_schema("ProjectPage", ProjectOut, id_field=serializers.IntegerField(allow_null=True)),
    )
    def get(self, request: Request) -> Response:
        """Return the organization's projects, newest first. Archived ones are among them."""
        query = self.query(PageQuery)
        projects = projects_of(organization_id=self.organization_id)
        page, has_more = page_of(projects, limit=query["limit"], after=query.get("after_id"))
        return Response(page_body(self.shown(*page), has_more=has_more))

    @extend_schema(
        operation_id="create_project",
        summary="Create a project",
        request=ProjectCreation,
        responses={201: ProjectOut},
    )
    def post(self, request: Request) -> Response:
        """Create a project. Requests name it in the header `rgent-project`, or come by a key that belongs to it."""
        terms = self.body(ProjectCreation)
        with transaction.atomic():
            project = create_project(organization_id=self.organization_id, name=terms["name"], now=self.now)
            if terms.get("cap_minor") is not None:
                set_project_cap(project=project, cap_minor=terms["cap_minor"], now=self.now)
        return Response(self.shown(project)[0], status=201)


class ProjectView(ProjectEndpoint):
    """One project."""

    @extend_schema(operation_id="get_project", summary="Look at a project", responses=ProjectOut)
    def get(self, request: Request, project_id: int) -> Response:
        """Return one project."""
        return Response(self.shown(self.project_of(project_id))[0])

    @extend_schema(
        operation_id="change_project", summary="Change a project", request=ProjectChange, responses=ProjectOut
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Change the fields that are sent. A cap counts the project's spending in this period and holds at once.

        Another name, and the archive, hold within five seconds. Requests that send the old name are refused then.
        """
        terms, project = self.body(ProjectChange), self.project_of(project_id)
        with transaction.atomic():
            if "cap_minor" in terms:
                set_project_cap(project=project, cap_minor=terms["cap_minor"], now=self.now)
            if "name" in terms:
                rename_project(project=project, name=terms["name"])
            if terms.get("archived") is True:
                archive_project(project=project, now=self.now)
            elif terms.get("archived") is False:
                restore_project(project=project)
        return Response(self.shown(self.project_of(project_id))[0])
