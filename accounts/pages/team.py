"""The team's page: people with their roles, and invitations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.invitations import (
    InvitationNotFound,
    InvitationRefused,
    MailUnavailable,
    invite,
    pending_invitations,
    withdraw,
)
from accounts.mail_refusals import refusals_of
from accounts.members import MemberNotFound, OwnerProtected
from accounts.models import ApiKey, Invitation, Membership
from accounts.pages.access import member_page, require_manager
from accounts.recent_sign_in import require_confirmation
from accounts.team import LastOwner, give_role, people_of, remove

Role = Membership.Role
PAGE_SIZE = 25
ROLES_TO_INVITE = [(Role.MEMBER, "Member"), (Role.ADMIN, "Admin")]
REFUSALS = (MemberNotFound, OwnerProtected, LastOwner, InvitationNotFound, InvitationRefused, MailUnavailable)


class InvitationForm(forms.Form):
    """The person to invite."""

    email = forms.EmailField(max_length=254, label="E-mail", widget=forms.EmailInput({"autocomplete": "off"}))
    role = forms.ChoiceField(choices=ROLES_TO_INVITE)


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(choices=Role)


@dataclass(frozen=True, slots=True)
class Person:
    """One member of the list. `roles` are those that the reader may give them; `keys` counts the working ones.

    `refusal` are the mail server's words if it refused their address.
    """

    membership: Membership
    keys: int
    is_reader: bool
    roles: list[tuple[str, str]]
    may_be_removed: bool
    refusal: str


@require_safe
@member_page
def team(request: HttpRequest, membership: Membership) -> HttpResponse:
    """List the organization's people, and to owners and admins its open invitations."""
    return _team_page(request, membership, form=InvitationForm())


@require_POST
@member_page
def send_invitation(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Mail a person a link to join with; an open invitation to the address is replaced.

    Raises ReauthenticationRequired.
    """
    require_manager(membership)
    require_confirmation(request)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _team_page(request, membership, form=form, status=422)
    with _told(request):
        invitation = invite(
            organization=membership.organization,
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            invited_by=membership.user,
            now=timezone.now(),
        )
        messages.success(request, f"An invitation is on its way to {invitation.email}. Its link works for a week.")
    return redirect("team")


@require_POST
@member_page
def withdraw_invitation(request: HttpRequest, membership: Membership, *, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    require_manager(membership)
    with _told(request):
        withdraw(organization_id=membership.organization_id, invitation_id=invitation_id)
        messages.success(request, "The invitation is withdrawn. Its link leads nowhere now.")
    return redirect("team")


@require_POST
@member_page
def set_role(request: HttpRequest, membership: Membership, *, member_id: int) -> HttpResponse:
    """Give a member another role. Raises ReauthenticationRequired."""
    require_manager(membership)
    require_confirmation(request)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose owner, admin or member.")
        return redirect("team")
    with _told(request):
        member = give_role(by=membership, member_id=member_id, role=Role(form.cleaned_data["role"]))
        messages.success(request, f"{member.user.get_full_name()} is now {_with_article(member)}.")
    return redirect("team")


@require_POST
@member_page
def remove_person(request: HttpRequest, membership: Membership, *, member_id: int) -> HttpResponse:
    """Remove a member, or leave. Raises ReauthenticationRequired."""
    if membership.id != member_id:
        require_manager(membership)
    require_confirmation(request)
    with_keys = "with_keys" in request.POST
    if with_keys and not membership.may_manage:
        raise PermissionDenied("Owners and admins revoke keys: ask one of them.")
    with _told(request):
        gone = remove(by=membership, member_id=member_id, with_keys=with_keys, now=timezone.now())
        if membership.id == member_id:
            messages.success(request, f"You have left {membership.organization}.")
            return redirect("overview")
        messages.success(request, f"{gone.user.get_full_name()} is no longer a member.")
    return redirect("team")


@contextmanager
def _told(request: HttpRequest) -> Iterator[None]:
    """Tell the reader why a change was not made."""
    try:
        yield
    except REFUSALS as refusal:
        messages.error(request, str(refusal))


def _team_page(
    request: HttpRequest, membership: Membership, *, form: InvitationForm, status: int = 200
) -> HttpResponse:
    people = people_of(organization_id=membership.organization_id)
    page = Paginator(people, PAGE_SIZE).get_page(request.GET.get("page"))
    members = list(page)
    made = ApiKey.objects.usable().filter(
        organization_id=membership.organization_id, created_by__in=[each.user_id for each in members]
    )
    keys = dict(made.values("created_by").annotate(count=Count("id")).values_list("created_by", "count"))
    owners = people.filter(role=Role.OWNER).count()
    refusals = refusals_of(organization_id=membership.organization_id)
    context = {
        "membership": membership,
        "people": [
            _person(
                each,
                reader=membership,
                keys=keys.get(each.user_id, 0),
                owners=owners,
                refusal=refusals.get(each.user_id, ""),
            )
            for each in members
        ],
        "page": page,
        "invited": _invited(request, membership) if membership.may_manage else None,
        "form": form,
    }
    return render(request, "accounts/team.html", context, status=status)


def _invited(request: HttpRequest, membership: Membership) -> Page[Invitation]:
    pending = pending_invitations(organization_id=membership.organization_id, now=timezone.now())
    return Paginator(pending.order_by("-created_at", "-id"), PAGE_SIZE).get_page(request.GET.get("invited"))


def _person(member: Membership, *, reader: Membership, keys: int, owners: int, refusal: str) -> Person:
    is_reader, is_owner = member.id == reader.id, member.role == Role.OWNER
    may_change = reader.may_manage and (not is_owner or (is_reader and owners > 1))
    roles = [(role.value, role.label) for role in Role if role != Role.OWNER or is_owner or reader.role == Role.OWNER]
    return Person(
        membership=member,
        keys=keys,
        is_reader=is_reader,
        roles=roles if may_change and not (is_reader and not is_owner) else [],
        may_be_removed=(is_reader and not (is_owner and owners == 1)) or (reader.may_manage and not is_owner),
        refusal=refusal,
    )


def _with_article(member: Membership) -> str:
    return f"{'a' if member.role == Role.MEMBER else 'an'} {member.get_role_display().lower()}"
