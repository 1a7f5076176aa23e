"""Pages of the documentation, for everybody: in the frame of the portal for those who are signed in."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import ApiKey
from accounts.organizations import membership_or_none
from rgent.documentation.guides import Guide, NoSuchGuide, all_guides, guide
from rgent.documentation.markdown import LANGUAGES
from rgent.documentation.reference import NoSuchResource, resource, resources
from rgent.documentation.search import found

LANGUAGE_COOKIE = "docs_language"
MOST_QUERY_CHARS = 200


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Lead to the first guide."""
    return redirect("docs_page", slug=all_guides()[0].slug)


@require_safe
@never_cache
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a guide. Its code is in the language that was chosen last in this browser."""
    try:
        shown = guide(slug)
    except NoSuchGuide as error:
        raise Http404 from error
    chosen = request.GET.get("lang", "")
    language = chosen if chosen in LANGUAGES else request.COOKIES.get(LANGUAGE_COOKIE, "")
    context = _frame(request) | {
        "guide": shown,
        "body": shown.html(language=language),
        "next": _after(shown.slug),
        "api_key": _key_of(request),
    }
    response = render(request, "docs/page.html", context)
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, path="/docs/", samesite="Lax", httponly=True)
    return response


@require_safe
@never_cache
def reference(request: HttpRequest) -> HttpResponse:
    """List the operations of the management API."""
    return render(request, "docs/reference.html", _frame(request))


@require_safe
@never_cache
def resource_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the operations of one resource."""
    try:
        shown = resource(slug)
    except NoSuchResource as error:
        raise Http404 from error
    return render(request, "docs/resource.html", _frame(request) | {"resource": shown})


@require_safe
@never_cache
def search(request: HttpRequest) -> HttpResponse:
    """Show the parts that have every word of `?q=`."""
    query = request.GET.get("q", "")[:MOST_QUERY_CHARS]
    return render(request, "docs/search.html", _frame(request) | {"query": query, "results": found(query)})


def _frame(request: HttpRequest) -> dict[str, Any]:
    membership = membership_or_none(request)
    return {
        "layout": "layouts/portal.html" if membership else "layouts/public.html",
        "membership": membership,
        "guides": all_guides(),
        "resources": resources(),
    }


def _after(slug: str) -> Guide | None:
    slugs = [each.slug for each in all_guides()]
    place = slugs.index(slug) + 1
    return all_guides()[place] if place < len(slugs) else None


def _key_of(request: HttpRequest) -> ApiKey | None:
    """Return the newest key of the reader's organization that chats, to name it beside the code."""
    membership = membership_or_none(request)
    if membership is None:
        return None
    keys = ApiKey.objects.filter(organization_id=membership.organization_id, scopes__contains="chat").usable()
    return keys.order_by("-created_at", "-id").first()
