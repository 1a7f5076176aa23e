"""The pages a mailed invitation leads to.

The link's token opens an organization, so it stands in one address alone, which leads on at once: the page that asks,
and the sign-in before it, have addresses that logs, histories and Referer headers may hold.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.invitations import InvitationNotFound, InvitationRefused, accept, find_invitation
from accounts.models import User
from accounts.organizations import choose
from accounts.secret_hash import secret_hash

OPENED = "invitation"


@require_safe
@never_cache
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Keep in the session which invitation a link is of, and go on to the page that asks."""
    try:
        offer = find_invitation(token_hash=secret_hash(token), now=timezone.now())
    except InvitationNotFound as error:
        response = _refusal(request, error, status=404)
    else:
        request.session[OPENED] = offer.token_hash
        response = redirect("invitation")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def invitation(request: HttpRequest) -> HttpResponse:
    """Ask the invited person, who signs in or up first, whether to join; a POST joins."""
    assert isinstance(request.user, User)  # noqa: S101 - login_required
    now = timezone.now()
    try:
        offer = find_invitation(token_hash=request.session.get(OPENED, ""), now=now)
        if request.method == "POST":
            accept(invitation=offer, user=request.user, now=now)
            choose(request, organization_id=offer.organization_id)
            messages.success(request, f"Welcome to {offer.organization}.")
            return redirect("overview")
    except InvitationNotFound as error:
        return _refusal(request, error, status=404)
    except InvitationRefused as error:
        return _refusal(request, error, status=403)
    return render(request, "accounts/invitation.html", {"offer": offer})


def _refusal(request: HttpRequest, error: Exception, *, status: int) -> HttpResponse:
    return render(request, "accounts/invitation.html", {"refusal": str(error)}, status=status)
