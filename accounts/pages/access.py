"""Access to pages: members open the portal, and owners and admins alone change what it costs and who may call."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.models import Membership
from accounts.organizations import NoOrganization, membership_of

P = ParamSpec("P")


def member_page(
    view: Callable[Concatenate[HttpRequest, Membership, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Pass the signed-in person's membership to `view`, which shows what belongs to that organization and no other.

    A stranger is sent to sign in. A person without an organization is told so. Such pages are never cached.
    """

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            membership = membership_of(request)
        except NoOrganization:
            return render(request, "accounts/no_organization.html", status=403)
        return view(request, membership, *args, **kwargs)

    return never_cache(login_required(page))


def require_manager(membership: Membership) -> None:
    """Raise PermissionDenied unless the member may create keys and change what is paid."""
    if not membership.may_manage:
        raise PermissionDenied(f"Only owners and admins of {membership.organization} may do this: ask one of them.")
