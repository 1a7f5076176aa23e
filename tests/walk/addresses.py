"""Addresses of the product, as its own routes tell them."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

ADMIN = "/admin/"
MANAGEMENT_API = "/api/v1/"
# allauth and Django route a view under several methods, and do not tell which; each of these is tried on each page.
METHODS = ("GET", "POST")
# Django's admin answers a POST to these as it answers a GET: they show, and have no form of their own.
SHOWING = re.compile(
    r".*/(history|search|autocomplete|jsi18n|done|<path:object_id>)/|/admin/(\w+/\w+/)?|.*app_label.*|.*<url>.*"
)

# The pages of an app. The pattern names them all, in the order in which they were registered.
APP_LABEL = re.compile(r"\^\(\?P<app_label>.*\)/\$")


def routes(resolver: Any, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """Yield every address below a resolver, as its pattern is written, and its route."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        else:
            yield path, pattern


def page_addresses() -> set[str]:
    """Return the addresses of pages, of Stripe's webhooks and of the API's documents: all but admin and APIs."""
    found = {path for path, _ in routes(get_resolver())}
    return {path for path in found if not path.startswith((ADMIN, MANAGEMENT_API))}


def management_calls() -> set[str]:
    """Return every method of every address of the management API, as `GET /api/v1/keys`."""
    return {
        f"{method.upper()} {path}"
        for path, route in routes(get_resolver())
        if path.startswith(MANAGEMENT_API)
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(route.callback.view_class, method)  # type: ignore[attr-defined]
    }


def api_addresses() -> set[str]:
    """Return the addresses that have the API's handler instead of Django's."""
    return {path for path, _ in routes(get_resolver(settings.API_URLCONF))}


def admin_calls() -> set[str]:
    """Return the calls of Django admin: each page, each form, and each action of a list as `POST <list> <action>`."""
    paths = (path for path, _ in routes(get_resolver()) if path.startswith(ADMIN))
    found = {APP_LABEL.sub("<app_label>/", path) for path in paths}
    forms = {f"POST {path}" for path in found if not SHOWING.fullmatch(path)}
    return {f"GET {path}" for path in found} | forms | _actions()


def _actions() -> set[str]:
    """Return every action that is registered for a list, whether or not somebody is offered it."""
    return {
        f"POST {ADMIN}{model._meta.app_label}/{model._meta.model_name}/ {action[1]}"
        for model, pages in admin.site._registry.items()
        if pages.actions is not None
        for action in pages._get_base_actions()
    }
