"""Pages of an organization's data: taking it along, and closing the organization."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import AuditEvent, note_change
from accounts.models import Membership
from accounts.organizations import forget_choice
from accounts.pages.access import member_page, require_manager
from accounts.recent_sign_in import require_confirmation
from billing.leaving.closing import close_organization
from billing.leaving.export import export_pieces
from billing.pages.frame import page_frame
from billing.pages.telling import told
from common import clock
from common.streamed_file import streamed_file

Role = Membership.Role


@require_safe
@member_page
def data(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show the ways to take the data along, and to close the organization."""
    _, context = page_frame(membership)
    context |= {"is_owner": membership.role == Role.OWNER, "kept_days": settings.CLOSED_KEPT_DAYS}
    return render(request, "billing/data.html", context)


@require_POST
@member_page
def export(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Send everything of the organization as a zip file. Raises ReauthenticationRequired."""
    require_manager(membership)
    require_confirmation(request)
    note_change(AuditEvent.DATA_EXPORTED, organization_id=membership.organization_id)
    return streamed_file(
        export_pieces(organization=membership.organization),
        request=request,
        name=f"rgent-{clock.now():%Y-%m-%d}.zip",
        content_type="application/zip",
    )


@require_POST
@member_page
def close(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Close the organization, if its name was typed by an owner. Raises ReauthenticationRequired, PermissionDenied."""
    if membership.role != Role.OWNER:
        raise PermissionDenied(f"Only owners of {membership.organization} close it: ask one of them.")
    require_confirmation(request)
    if request.POST.get("name", "").strip() != membership.organization.name:
        messages.error(request, "Nothing was closed: type the organization's name as it stands here.")
        return redirect("data")
    with told(request):
        close_organization(organization=membership.organization, now=clock.now())
        forget_choice(request)
        messages.success(
            request, f"{membership.organization} is closed. If it owes for usage, its last invoice comes by mail."
        )
        return redirect("overview")
    return redirect("data")
