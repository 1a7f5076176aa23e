"""Closing a person's account: at once, and for good.

Their acts in organizations stay in the logs of those, under their address, until an organization is forgotten.
Acceptances of the terms stay as proof, under a number; so does the hash of the mailbox that got the free trial.
"""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.dispatch import Signal

from accounts.access_log import note_on_commit
from accounts.models import Invitation, MailOptOut, MailRefusal, Membership, Organization, User

Role = Membership.Role

# Sent with `user` in the transaction that forgets a person: other apps delete what they keep of them.
person_forgotten = Signal()


class StillOwner(Exception):
    """The person is the only owner of an organization. The message names it, and what to do."""


def organizations_only_owned_by(user: User) -> list[Organization]:
    """Return the open organizations that would be left without an owner."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER, organization__closed_at=None)
    others = Membership.objects.filter(role=Role.OWNER).exclude(user=user).values("organization_id")
    return [each.organization for each in owned.exclude(organization_id__in=others).select_related("organization")]


def close_account(*, user: User) -> None:
    """Close an account: its person is signed out everywhere, and all is deleted but what the module's head tells.

    The row stays under a number, since organizations know who did what. A mail tells of it. Raises StillOwner.
    """
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    addresses = sorted({user.email, *verified})
    _forget(user, addresses=addresses)
    for address in addresses:
        get_adapter().send_notification_mail("account/email/account_closed", user, email=address)


def _ensure_others_own(user: User) -> None:
    """Raise StillOwner where nobody else owns. Until the transaction ends, no other owner can leave."""
    theirs = Membership.objects.filter(user=user, role=Role.OWNER).values("organization_id")
    owners = Membership.objects.select_for_update().filter(organization_id__in=theirs, role=Role.OWNER)
    list(owners.order_by("id"))
    if owned := organizations_only_owned_by(user):
        names = ", ".join(str(each) for each in owned)
        raise StillOwner(f"You are the only owner of {names}. Close it, or make somebody else an owner first.")


@transaction.atomic
def _forget(user: User, *, addresses: list[str]) -> None:
    _ensure_others_own(user)
    for session in UserSession.objects.filter(user=user):
        session.end()
    for membership in Membership.objects.filter(user=user):
        membership.delete()
    for model in (MailOptOut, MailRefusal):
        model.objects.filter(user=user).delete()
    Invitation.objects.filter(email__in=addresses).delete()
    person_forgotten.send(sender=User, user=user)
    Authenticator.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    user.email, user.name, user.is_active, user.time_zone = f"closed-{user.pk}@invalid", "", False, ""
    user.set_unusable_password()
    user.save(update_fields=["email", "name", "is_active", "time_zone", "password"])
    note_on_commit("account closed", user_id=user.pk)
