"""The organization's log of who did what."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit import entries_of
from accounts.models import Membership
from accounts.pages.access import member_page, require_manager

PAGE_SIZE = 50


@require_safe
@member_page
def audit_log(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List what was done in the organization, newest first, to owners and admins."""
    require_manager(membership)
    page = Paginator(entries_of(organization_id=membership.organization_id), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    return render(request, "accounts/audit_log.html", {"membership": membership, "page": page, "kept": ""})
