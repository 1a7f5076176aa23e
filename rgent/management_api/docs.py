"""The management API's OpenAPI document, and the pages that show it: all from this server, nothing from a CDN."""

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer

from rgent.management_api.schema import KeySchemes  # noqa: F401 - imported for what it registers


class SchemaView(SpectacularAPIView):
    """The document: JSON, or YAML for `?format=yaml`."""

    renderer_classes = [JSONRenderer, OpenApiJsonRenderer, OpenApiYamlRenderer]


# Swagger UI brings its own style element; its scripts need no exception, since they come in files.
@method_decorator(csp_update({"style-src": ["'self'", "'unsafe-inline'"]}), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The pages: every endpoint with its fields, to read and to try with a key."""

    url_name = "api_schema"
    title = "rgent management API"
