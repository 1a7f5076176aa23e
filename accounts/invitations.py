"""Invitations: an offer of membership, mailed as a link that works once, for a week, for one address."""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from accounts.access_log import note_on_commit
from accounts.audit import AuditEvent, note_change
from accounts.mail_budget import MailBudgetUsed, count_invitation
from accounts.mail_refusals import refusal_in
from accounts.models import Invitation, Membership, Organization, User
from accounts.secret_hash import secret_hash
from common.letters import Letter, Link, message_of

LIFETIME = timedelta(days=7)
TOKEN_BYTES = 32
# Enough for a team that joins in a day, too few to send spam.
MOST_PENDING = 50


class InvitationNotFound(Exception):
    """There is no such invitation, or it is over: accepted, withdrawn, replaced or expired."""


class InvitationRefused(Exception):
    """This invitation is not possible. The message says why."""


class MailUnavailable(Exception):
    """The mail could not be sent, so the invitation was not made."""


def pending_invitations(*, organization_id: int, now: datetime) -> QuerySet[Invitation]:
    """Return the invitations that can still be accepted."""
    return Invitation.objects.filter(organization_id=organization_id, accepted_at=None, expires_at__gt=now)


def invite(
    *, organization: Organization, email: str, role: Membership.Role, invited_by: User | None, now: datetime
) -> Invitation:
    """Invite a person and mail them the link; an earlier invitation to the same address is replaced.

    Raises InvitationRefused, MailUnavailable.
    """
    email = email.lower()
    if role == Membership.Role.OWNER:
        raise InvitationRefused("Nobody is invited as an owner. Choose admin or member.")
    if Membership.objects.filter(organization=organization, user__email__iexact=email).exists():
        raise InvitationRefused(f"{email} is a member already.")
    try:
        count_invitation(organization_id=organization.pk, email=email, now=now)
    except MailBudgetUsed as error:
        raise InvitationRefused(str(error)) from error
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        invitation = _replace(
            Invitation(
                organization=organization,
                email=email,
                role=role,
                token_hash=secret_hash(token),
                invited_by=invited_by,
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
        note_change(AuditEvent.INVITED, organization_id=organization.pk, detail=f"{email}, {role}")
        _note("invited", invitation)
    _mail(invitation, token=token)
    return invitation


@transaction.atomic
def withdraw(*, organization_id: int, invitation_id: int) -> None:
    """Take an invitation back; its link leads nowhere from then on. Raises InvitationNotFound."""
    open_ones = Invitation.objects.filter(id=invitation_id, organization_id=organization_id, accepted_at=None)
    invitation = open_ones.first()
    if invitation is None or not open_ones.delete()[0]:
        raise InvitationNotFound(f"Your organization has no open invitation {invitation_id}.")
    note_change(AuditEvent.INVITATION_WITHDRAWN, organization_id=organization_id, detail=invitation.email)
    note_on_commit("invitation withdrawn", organization_id=organization_id, invitation_id=invitation_id)


def find_invitation(*, token_hash: str, now: datetime) -> Invitation:
    """Return the invitation whose link has a token of this hash. Raises InvitationNotFound."""
    invitation = (
        Invitation.objects.select_related("organization", "invited_by")
        .filter(token_hash=token_hash, accepted_at=None, expires_at__gt=now)
        .first()
    )
    if invitation is None:
        raise InvitationNotFound("This invitation is over: ask for a new one.")
    return invitation


@transaction.atomic
def accept(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """Make the invited person a member. A member keeps their role.

    Raises InvitationRefused if another person is signed in, InvitationNotFound if it has been used meanwhile.
    """
    if user.email.lower() != invitation.email.lower():
        raise InvitationRefused(f"This invitation is for {invitation.email}. Sign in with that address to accept it.")
    used = Invitation.objects.filter(id=invitation.id, accepted_at=None, expires_at__gt=now).update(accepted_at=now)
    if not used:
        raise InvitationNotFound("This invitation is over: ask for a new one.")
    _note("invitation accepted", invitation)
    membership, _ = Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    return membership


def _replace(invitation: Invitation) -> Invitation:
    pending = pending_invitations(organization_id=invitation.organization_id, now=invitation.created_at)
    pending.filter(email__iexact=invitation.email).delete()
    if pending.count() >= MOST_PENDING:
        raise InvitationRefused(f"{MOST_PENDING} invitations are open. Withdraw some, or wait until they are accepted.")
    invitation.save()
    return invitation


def _mail(invitation: Invitation, *, token: str) -> None:
    """Mail the link, or take the invitation back. Raises InvitationRefused, MailUnavailable."""
    try:
        message_of(_letter(invitation, token=token), to=invitation.email).send()
    except OSError as error:  # smtplib's errors are of this kind
        with suppress(InvitationNotFound):  # another one to the same address replaced it meanwhile
            withdraw(organization_id=invitation.organization_id, invitation_id=invitation.pk)
        if refusal := refusal_in(error):
            raise InvitationRefused(f"The mail server of {invitation.email} refused the mail: {refusal}") from error
        raise MailUnavailable("The invitation could not be mailed. Try again in a minute.") from error


def _note(event: str, invitation: Invitation) -> None:
    fields = {"organization_id": invitation.organization_id, "invitation_id": invitation.pk}
    note_on_commit(event, **fields, role=str(invitation.role))


def _letter(invitation: Invitation, *, token: str) -> Letter:
    organization, person = invitation.organization.name, invitation.invited_by
    by = f"{person.get_full_name()} invites you" if person else "You are invited"
    return Letter(
        subject=f"Join {organization} on rgent",
        paragraphs=[f"{by} to join {organization} on rgent."],
        link=Link(label="Open the invitation", path=reverse("invitation_link", kwargs={"token": token})),
        after=[
            "Sign in there, or sign up first, with the address that this mail came to. "
            f"The link works once, for {LIFETIME.days} days.",
            f"You do not know {organization}? Then you can ignore this mail.",
        ],
        reason="You get this mail since somebody entered your address in an invitation.",
    )
