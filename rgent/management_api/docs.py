"""The management API's OpenAPI document, as JSON and as YAML."""

from typing import Any

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.api.base import ManagementView
from rgent.management_api.schema import KeySchemes  # noqa: F401 - registers itself


class ReadOnlyView(ManagementView):
    """A view that is read alone, so another method is refused whatever the caller accepts."""

    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Judge the request before its method runs. Raises MethodNotAllowed."""
        if str(request.method).lower() not in self.http_method_names:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)


class SchemaView(ReadOnlyView, SpectacularAPIView):
    """The document, as JSON or, with `?format=yaml`, as YAML."""

    renderer_classes = [JSONRenderer, OpenApiJsonRenderer, OpenApiYamlRenderer]
