"""Middleware of the portal, the admin and the management API."""

from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404
from django.utils.deprecation import MiddlewareMixin

from chat.api import MethodNotAllowed
from common.request_ids import new_request_id
from rgent import pages
from rgent.api.error_catalogue import PageRefused
from rgent.api.error_shapes import error_answer

HEALTH_PATH = "/health"
# Errors of Django's own. Another status is a page with words of its own, such as a form that was filled in wrongly.
REPLACED = frozenset({400, 403, 404, 405, 500})


class HealthMiddleware(MiddlewareMixin):
    """Answers health checks before the host is judged: load balancers ask by address."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Answer a health check; pass every other request on."""
        return pages.health(request) if request.path == HEALTH_PATH else None


class JsonErrorsMiddleware(MiddlewareMixin):
    """Answers in JSON, in place of a page, where a program rather than a browser would read an error.

    Client libraries with a wrong base URL, path or method come here, and can read nothing else.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Replace the body of an error page that no browser asked for."""
        is_error_page = response.status_code in REPLACED and response.get("content-type", "").startswith("text/html")
        if is_error_page and isinstance(response, HttpResponse) and not _is_browsers(request, response):
            _answer_in_json(request, response)
        return response


def _is_browsers(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a browser asks, for a page or with a form of ours. Scripts of our pages are signed in."""
    signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
    if not signed_in and "text/html" not in request.headers.get("accept", ""):
        return False
    has_form = request.resolver_match is not None and response.status_code != HTTPStatus.METHOD_NOT_ALLOWED
    return request.method in {"GET", "HEAD"} or (request.method == "POST" and has_form)


def _answer_in_json(request: HttpRequest, response: HttpResponse) -> None:
    request_id = new_request_id()
    error = _error_of(request, response)
    answer = error_answer(error, path=request.path, request_id=request_id)
    response.content = answer.body
    for name, value in {**answer.headers, "request-id": request_id, "cache-control": "no-store"}.items():
        response[name] = value
    response["content-length"] = str(len(answer.body))


def _error_of(request: HttpRequest, response: HttpResponse) -> Exception:
    """Return the error that a page tells of."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        return Resolver404()
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed(allowed=response.get("allow", ""))
    try:
        request.get_host()
    except DisallowedHost as error:
        return error
    return PageRefused(status=response.status_code)
