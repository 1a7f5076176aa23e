"""The management API's OpenAPI document and the pages that show it. All files come from this server."""

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer

from accounts.api.base import WithRequestId
from rgent.management_api.schema import KeySchemes  # noqa: F401 - registers itself


class SchemaView(WithRequestId, SpectacularAPIView):
    """The document, as JSON or, with `?format=yaml`, as YAML."""

    renderer_classes = [JSONRenderer, OpenApiJsonRenderer, OpenApiYamlRenderer]


# Swagger UI adds a style element. Its scripts come as files and need no exception.
@method_decorator(csp_update({"style-src": ["'self'", "'unsafe-inline'"]}), name="dispatch")
class DocsView(WithRequestId, SpectacularSwaggerSplitView):
    """Pages that describe every endpoint and let one call it with a key."""

    url_name = "api_schema"
    title = "rgent management API"
