"""The choice between the organizations of a person."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.organizations import choose


@require_POST
@login_required
def choose_organization(request: HttpRequest) -> HttpResponse:
    """Show another of the person's organizations from now on, in this session."""
    wanted = request.POST.get("organization", "")
    if not (wanted.isascii() and wanted.isdecimal() and choose(request, organization_id=int(wanted))):
        messages.error(request, "You are not a member of that organization.")
    return redirect("overview")
