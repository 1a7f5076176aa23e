"""The owner's switch: whether an organization's people have the chat page."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Membership
from accounts.pages.access import member_page, require_manager
from chat.conversations.switches import is_on, switch
from common import clock


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def chat_settings(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show whether the organization has the chat page; an owner's POST switches it."""
    require_manager(membership)
    is_owner = membership.role == Membership.Role.OWNER
    organization_id = membership.organization_id
    if request.method == "POST":
        if not is_owner:
            raise PermissionDenied(f"Only owners of {membership.organization} decide this: ask one of them.")
        wanted = "on" in request.POST
        switch(organization_id=organization_id, on=wanted, now=clock.now())
        messages.success(request, f"The chat page is switched {'on' if wanted else 'off'} for all members.")
        return redirect("chat_settings")
    context = {
        "is_on": is_on(organization_id=organization_id),
        "is_owner": is_owner,
        "operator_off": not settings.CHAT_PAGE,
        "kept_days": settings.CHAT_KEPT_DAYS,
    }
    return render(request, "chat/settings.html", context)
