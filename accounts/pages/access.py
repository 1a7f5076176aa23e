"""Access to pages: members open the portal, and owners and admins alone change what it costs and who may call."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.looking import is_looking
from accounts.models import Membership, User
from accounts.organizations import NoOrganization, membership_of
from accounts.second_factors import SecondFactorNeeded, check_second_factor
from accounts.terms import must_accept

P = ParamSpec("P")


def member_page(
    view: Callable[Concatenate[HttpRequest, Membership, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Pass the signed-in person's membership to `view`, which shows what belongs to that organization and no other.

    A stranger is sent to sign in, and who has not accepted the present terms is asked to. A person without an
    organization is told so, as is a member without the second factor that it asks for. Such pages are never cached.
    Forms of staff who only look are refused; a view that changes something on a GET calls `require_member` itself.
    """

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            membership = membership_of(request)
        except NoOrganization:
            return render(request, "accounts/no_organization.html", status=403)
        assert isinstance(request.user, User)  # noqa: S101 - login_required
        if must_accept(request.user):
            return _to_terms(request)
        try:
            check_second_factor(membership)
        except SecondFactorNeeded:
            return render(request, "accounts/second_factor_needed.html", {"membership": membership}, status=403)
        if request.method not in {"GET", "HEAD"}:
            require_member(membership)
        return view(request, membership, *args, **kwargs)

    return never_cache(login_required(page))


def _to_terms(request: HttpRequest) -> HttpResponse:
    """Lead to the page that asks for the terms, and from there back to the page that was asked for."""
    query = f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
    return redirect(reverse("terms") + query)


def require_member(membership: Membership) -> None:
    """Raise PermissionDenied for staff who only look at the organization."""
    if is_looking(membership):
        raise PermissionDenied("You only look at this organization: nothing can be changed. Stop looking first.")


def require_manager(membership: Membership) -> None:
    """Raise PermissionDenied unless the member may create keys and change what is paid."""
    if not membership.may_manage:
        raise PermissionDenied(f"Only owners and admins of {membership.organization} may do this: ask one of them.")
