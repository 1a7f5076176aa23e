"""Addresses of the product, as its own routes tell them."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

ADMIN = "/admin/"
MANAGEMENT_API = "/api/v1/"
# allauth and Django route a view under several methods, and do not tell which; each of these is tried on each page.
METHODS = ("GET", "POST")


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


def admin_addresses() -> set[str]:
    """Return the addresses of Django admin, and each action of each list as `<list> <action>`."""
    found = {path for path, _ in routes(get_resolver()) if path.startswith(ADMIN)}
    for model, pages in admin.site._registry.items():
        label = f"{ADMIN}{model._meta.app_label}/{model._meta.model_name}/"
        found |= {f"{label} {name}" for name in dict.fromkeys(action[1] for action in pages._get_base_actions())}
    return found
