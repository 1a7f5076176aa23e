"""Middleware of the portal, the admin and the management API."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from rgent import pages

HEALTH_PATH = "/health"


class HealthMiddleware(MiddlewareMixin):
    """Answers health checks before the host is judged: load balancers ask by address."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Answer a health check; pass every other request on."""
        return pages.health(request) if request.path == HEALTH_PATH else None
