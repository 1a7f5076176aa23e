"""Routes of the management API, and its OpenAPI document, under /api/."""

from typing import NoReturn

from django.urls import include, path, re_path
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.api.base import ManagementView
from rgent.management_api.docs import SchemaView


@extend_schema(exclude=True)
class NothingHereView(ManagementView):
    """Every other address under /api/: a 404 in the API's shape."""

    authentication_classes = []

    def initial(self, request: Request, *args: object, **kwargs: object) -> NoReturn:
        """Refuse. Raises NotFound."""
        raise NotFound("There is nothing at this address. The management API is described at /docs/reference/.")


urlpatterns = [
    path("v1/", include("accounts.api.urls")),
    path("v1/", include("billing.api.urls")),
    path("schema", SchemaView.as_view(), name="api_schema"),
    path("docs", cache_control(no_store=True)(RedirectView.as_view(pattern_name="docs_reference"))),
    re_path(r"^.*$", NothingHereView.as_view()),
]
