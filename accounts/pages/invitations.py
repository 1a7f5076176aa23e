"""The page a mailed invitation leads to."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.invitations import InvitationNotFound, InvitationRefused, accept, find_invitation
from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask the invited person, who signs in or up first, whether to join; a POST joins."""
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    now = timezone.now()
    try:
        offer = find_invitation(token=token, now=now)
        if request.method == "POST":
            accept(invitation=offer, user=request.user, now=now)
            messages.success(request, f"Welcome to {offer.organization}.")
            return redirect("overview")
    except InvitationNotFound as error:
        return render(request, "accounts/invitation.html", {"refusal": str(error)}, status=404)
    except InvitationRefused as error:
        return render(request, "accounts/invitation.html", {"refusal": str(error)}, status=403)
    return render(request, "accounts/invitation.html", {"offer": offer})
