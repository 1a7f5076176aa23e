"""The choice between the organizations of a person, and the end of looking at one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import looking
from accounts.organizations import choose
from common.numbers import whole_number


@require_POST
@login_required
def choose_organization(request: HttpRequest) -> HttpResponse:
    """Show another of the person's organizations from now on, in this session."""
    wanted = whole_number(request.POST.get("organization"))
    if wanted is None or not choose(request, organization_id=wanted):
        messages.error(request, "You are not a member of that organization.")
    return redirect("overview")


@require_POST
@login_required
def stop_looking(request: HttpRequest) -> HttpResponse:
    """Look at an organization no longer, and go back to its page in the admin."""
    organization_id = looking.stop_looking(request)
    if organization_id is None:
        return redirect("overview")
    return redirect("admin:accounts_organization_change", organization_id)
