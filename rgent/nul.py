"""Finds NUL characters in requests. No name or text of ours holds one, and PostgreSQL cannot store or compare one."""

from collections.abc import Iterable

from asgiref.typing import HTTPScope
from django.http import HttpRequest

NUL = "\0"
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def scope_holds_nul(scope: HTTPScope) -> bool:
    """Tell whether path, query or headers hold a NUL, before anything is made of them."""
    values = b"".join([value for _, value in scope["headers"]])
    return NUL in scope["path"] or b"%00" in scope["query_string"] or b"\0" in values


def holds_nul(request: HttpRequest) -> bool:
    """Tell whether path, query, headers or cookies hold a NUL. Reads nothing of the body."""
    query = request.META.get("QUERY_STRING", "")
    headers = (value for name, value in request.META.items() if name.startswith("HTTP_"))
    return _any_holds([request.path, query, *headers, *request.COOKIES.values()]) or "%00" in query


def form_holds_nul(request: HttpRequest) -> bool:
    """Tell whether a form that is posted holds a NUL. The body stays readable."""
    if request.method != "POST" or request.content_type not in FORMS:
        return False
    _ = request.body  # read once and kept: a form that is parsed first takes it away from those who read it whole
    return any(_any_holds([name, *values]) for name, values in request.POST.lists())


def _any_holds(texts: Iterable[object]) -> bool:
    return any(NUL in text for text in texts if isinstance(text, str))
