"""Pages of accounts: an organization's API keys."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.forms import ApiKeyForm
from accounts.key_list import keys_of
from accounts.key_reveal import forget_revealed_key, reveal_next, revealed_key
from accounts.models import ApiKey, Membership
from accounts.portal_access import member_page, require_manager


@require_safe
@member_page
def keys(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's keys, and show a key just made, this once."""
    new_key = revealed_key(request)
    response = _keys_page(request, membership, form=ApiKeyForm(), new_key=new_key)
    if new_key:
        forget_revealed_key(response)
    return response


@require_POST
@member_page
def create_key(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Create a key and go back to the list, which shows it."""
    require_manager(membership)
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, membership, form=form, status=422)
    _, key = create_api_key(
        organization=membership.organization,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        created_by=membership.user,
    )
    response = redirect("keys")
    reveal_next(response, key=key)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def revoke_key(request: HttpRequest, membership: Membership, *, api_key_id: int) -> HttpResponse:
    """Ask whether to revoke a key; a POST revokes it."""
    require_manager(membership)
    api_key = get_object_or_404(ApiKey, id=api_key_id, organization=membership.organization)
    if request.method != "POST":
        return render(request, "accounts/key_revoke.html", {"membership": membership, "api_key": api_key})
    if revoke_api_key(organization=membership.organization, api_key_id=api_key_id, now=timezone.now()):
        messages.success(request, f"The key “{api_key.name}” is revoked. It stops working within five seconds.")
    else:
        messages.info(request, f"The key “{api_key.name}” was revoked before.")
    return redirect("keys")


def _keys_page(
    request: HttpRequest, membership: Membership, *, form: ApiKeyForm, new_key: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "membership": membership,
        "keys": keys_of(organization=membership.organization, now=timezone.now()),
        "form": form,
        "new_key": new_key,
    }
    return render(request, "accounts/keys.html", context, status=status)
