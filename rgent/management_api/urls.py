"""Routes of the management API, its OpenAPI document and its pages, under /api/."""

from typing import NoReturn

from django.urls import include, path, re_path
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.api.base import ManagementView
from rgent.management_api.docs import DocsView, SchemaView


@extend_schema(exclude=True)
class NothingHereView(ManagementView):
    """Every other address under /api/: a 404 in the API's shape."""

    authentication_classes = []

    def initial(self, request: Request, *args: object, **kwargs: object) -> NoReturn:
        """Refuse. Raises NotFound."""
        raise NotFound("There is nothing at this address. The management API is described at /api/docs.")


urlpatterns = [
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("billing.api.urls")),
    path("schema", SchemaView.as_view(), name="api_schema"),
    path("docs", DocsView.as_view(), name="api_docs"),
    re_path(r"^.*$", NothingHereView.as_view()),
]
