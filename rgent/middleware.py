"""Middleware of the portal, the admin and the management API."""

from http import HTTPStatus

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, DisallowedHost, ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404
from django.utils.deprecation import MiddlewareMixin

from chat.api import MethodNotAllowed
from common import log_fields
from common.request_ids import new_request_id
from rgent import pages
from rgent.api.error_catalogue import PageRefused
from rgent.api.error_shapes import error_answer
from rgent.nul import form_holds_nul, holds_nul

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


class PagePolicyMiddleware(MiddlewareMixin):
    """Tells browsers which of their features pages do without, and what the admin's pages may load and run."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header, and what the admin needs beyond the policy of all pages."""
        response.headers["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        if request.path.startswith("/admin/"):
            response._csp_update = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return response


class SoundRequestMiddleware(MiddlewareMixin):
    """Answers 400 to what would fail further in: a NUL, which PostgreSQL cannot store, or an address that is none."""

    def process_request(self, request: HttpRequest) -> None:
        """Pass a sound request on. Raises BadRequest."""
        if holds_nul(request) or form_holds_nul(request):
            raise BadRequest("The request holds a NUL character.")
        if settings.ALLAUTH_TRUSTED_PROXY_COUNT and "x-forwarded-for" in request.headers:
            try:
                get_adapter(request).get_client_ip(request)
            except (PermissionDenied, ImproperlyConfigured) as error:
                raise BadRequest("X-Forwarded-For names no address where the trusted proxy writes it.") from error


class SecondFactorPagesMiddleware(MiddlewareMixin):
    """Sends strangers from the pages of second factors to sign in.

    allauth asks for the password there before it asks who is signed in, and keeps the form in a session meanwhile: a
    row that anybody could have written.
    """

    def process_view(self, request: HttpRequest, *args: object) -> HttpResponseBase | None:
        """Redirect a stranger; let the page of the sign-in itself through."""
        match = request.resolver_match
        is_one = (
            match is not None and (match.url_name or "").startswith("mfa_") and match.url_name != "mfa_authenticate"
        )
        if is_one and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return None


def _is_browsers(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether a browser asks, for a page or with a form of ours. Scripts of our pages are signed in."""
    signed_in = settings.SESSION_COOKIE_NAME in request.COOKIES
    if not signed_in and "text/html" not in request.headers.get("accept", ""):
        return False
    has_form = request.resolver_match is not None and response.status_code != HTTPStatus.METHOD_NOT_ALLOWED
    return request.method in {"GET", "HEAD"} or (request.method == "POST" and has_form)


def _answer_in_json(request: HttpRequest, response: HttpResponse) -> None:
    request_id = log_fields.current().get("request_id") or new_request_id()
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
