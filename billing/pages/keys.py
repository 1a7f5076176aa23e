"""Pages of an organization's API keys."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api_keys import revoke_api_key
from accounts.key_reveal import forget_revealed_key, reveal_next, revealed_key
from accounts.models import ApiKey, Membership
from accounts.pages.access import member_page, require_manager
from accounts.recent_sign_in import require_confirmation
from billing.keys.listing import KeyRow, key_rows, keys_of, listed_keys
from billing.keys.rotation import KeyIsOver, KeyIsReplaced, rotate_key
from billing.keys.terms import change_key, create_key
from billing.models import BillingAccount
from billing.pages.key_forms import KeyListForm, KeyTermsForm, NewKeyForm, RotationForm
from billing.plans.price_lists import models_of_account
from billing.projects.listing import projects_for_key
from common import clock

PAGE_SIZE = 25


@require_safe
@member_page
def keys(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's keys, and show a key just made, this once."""
    new_key = revealed_key(request)
    response = _keys_page(request, membership, form=_new_key_form(membership), new_key=new_key)
    if new_key:
        forget_revealed_key(response)
    return response


@require_POST
@member_page
def create(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Create a key and go back to the list, which shows it.

    A key outlives the session that made it, so the password is asked for again. Raises ReauthenticationRequired.
    """
    require_manager(membership)
    require_confirmation(request)
    form = _new_key_form(membership, request)
    if not form.is_valid():
        return _keys_page(request, membership, form=form, status=422)
    _, key = create_key(
        organization=membership.organization,
        created_by=membership.user,
        scopes=form.cleaned_data["scopes"],
        terms=form.terms(),
        now=clock.now(),
    )
    response = redirect("keys")
    reveal_next(response, request=request, key=key)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def change(request: HttpRequest, membership: Membership, *, api_key_id: int) -> HttpResponse:
    """Show the limits of a key; a POST changes them."""
    require_manager(membership)
    api_key = _key_of(membership, api_key_id)
    row = _rows(membership, [api_key])[0]
    if row.revoked_at:
        raise Http404
    form = KeyTermsForm(
        request.POST if request.method == "POST" else None,
        key=row,
        models=sorted({*models_of_account(membership.organization_id), *row.models}),
        projects=projects_for_key(organization_id=membership.organization_id, current=row.project),
    )
    if not form.is_valid():
        context = {"membership": membership, "key": row, "form": form, "rotation": RotationForm()}
        return render(request, "billing/key.html", context, status=422 if form.is_bound else 200)
    change_key(api_key=api_key, terms=form.terms(), now=clock.now())
    messages.success(request, f"The key “{form.cleaned_data['name']}” is changed.")
    return redirect("keys")


@require_POST
@member_page
def rotate(request: HttpRequest, membership: Membership, *, api_key_id: int) -> HttpResponse:
    """Create a key in place of another, which ends later, and show it on the list. Raises ReauthenticationRequired."""
    require_manager(membership)
    require_confirmation(request)
    api_key = _key_of(membership, api_key_id)
    form = RotationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose how long the old key goes on working.")
        return redirect("key", api_key_id=api_key_id)
    try:
        _, text = rotate_key(api_key=api_key, overlap=form.overlap_time, by=membership.user, now=clock.now())
    except (KeyIsOver, KeyIsReplaced) as error:
        messages.error(request, str(error))
        return redirect("keys")
    messages.success(request, f"“{api_key.name}” has a new key. The old one, {api_key.hint}, {form.told}.")
    response = redirect("keys")
    reveal_next(response, request=request, key=text)
    return response


@require_POST
@member_page
def revoke(request: HttpRequest, membership: Membership, *, api_key_id: int) -> HttpResponse:
    """Revoke a key."""
    require_manager(membership)
    api_key = _key_of(membership, api_key_id)
    if revoke_api_key(organization=membership.organization, api_key_id=api_key_id, now=clock.now()):
        messages.success(request, f"The key “{api_key.name}” is revoked. It stops working within five seconds.")
    else:
        messages.info(request, f"The key “{api_key.name}” was revoked before.")
    return redirect("keys")


def _key_of(membership: Membership, api_key_id: int) -> ApiKey:
    return get_object_or_404(keys_of(organization_id=membership.organization_id), id=api_key_id)


def _new_key_form(membership: Membership, request: HttpRequest | None = None) -> NewKeyForm:
    return NewKeyForm(
        request.POST if request else None,
        models=models_of_account(membership.organization_id),
        projects=projects_for_key(organization_id=membership.organization_id),
    )


def _rows(membership: Membership, found: list[ApiKey]) -> list[KeyRow]:
    account = BillingAccount.objects.get(organization_id=membership.organization_id)
    return key_rows(found, account=account, now=clock.now())


def _keys_page(
    request: HttpRequest, membership: Membership, *, form: NewKeyForm, new_key: str = "", status: int = 200
) -> HttpResponse:
    listing = KeyListForm(request.GET)
    wanted = listing.wanted()
    listed = listed_keys(organization_id=membership.organization_id, **wanted)
    page = Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "membership": membership,
        "keys": _rows(membership, list(page)),
        "page": page,
        "listing": listing,
        "shows_past": not wanted["usable"],
        "has_keys": keys_of(organization_id=membership.organization_id).exists(),
        "kept": urlencode({name: value for name, value in listing.cleaned_data.items() if value}),
        "form": form,
        "new_key": new_key,
    }
    return render(request, "billing/keys.html", context, status=status)
