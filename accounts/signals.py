"""Reactions to sign-ins and to changes of access: they are remembered, logged, and told to the person by mail."""

import logging
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth import signals as auth_signals
from django.contrib.auth.models import Group
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.access_log import note, note_on_commit
from accounts.audit import AuditEvent, note_change, note_change_of_person
from accounts.models import ApiKey, Membership, Organization, User
from accounts.recent_sign_in import note_sign_in

# allauth's signals about a person, and the events they are logged as.
EVENTS = {
    "signed up": account_signals.user_signed_up,
    "password changed": account_signals.password_changed,
    "password set": account_signals.password_set,
    "password reset": account_signals.password_reset,
    "address added": account_signals.email_added,
    "primary address changed": account_signals.email_changed,
}


def connect_events() -> None:
    """Log allauth's signals."""
    for event, signal in EVENTS.items():
        signal.connect(_noter(event), weak=False, dispatch_uid=f"accounts.log {event}")


def _noter(event: str) -> Any:
    def note_event(sender: Any, user: User, **kwargs: Any) -> None:
        note(event, user_id=user.pk)
        if event.startswith("password"):
            note_change_of_person(AuditEvent.PASSWORD_CHANGED, user=user)

    return note_event


@receiver(auth_signals.user_logged_in)
def remember_sign_in(sender: type[User], request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Keep when the session began, and list it among the person's, also where admin's own page began it."""
    note_sign_in(request)
    if hasattr(request, "user"):  # a request that came through the middleware
        UserSession.objects.create_from_request(request)
    note("signed in", user_id=user.pk)


@receiver(auth_signals.user_logged_out)
def note_sign_out(sender: type[User], user: User | None, **kwargs: Any) -> None:
    """Log the end of a session."""
    if user is not None:
        note("signed out", user_id=user.pk)


@receiver(auth_signals.user_login_failed)
def note_failed_sign_in(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Log a wrong password, without the address: people type passwords into its field."""
    email = str(credentials.get("email") or credentials.get("username") or "")
    user = User.objects.filter(email__iexact=email).only("id").first()
    note("sign-in failed", level=logging.WARNING, user_id=user.pk if user else None)


@receiver(account_signals.email_confirmed)
def tell_of_confirmed_address(sender: Any, email_address: EmailAddress, **kwargs: Any) -> None:
    """Log a confirmed address, and tell its person at the others that one more signs in and resets the password."""
    note("address confirmed", user_id=email_address.user_id)
    added = {"added_email": email_address.email}
    get_adapter().send_notification_mail("account/email/email_confirm", email_address.user, added)


@receiver(post_delete, sender=EmailAddress)
def note_removed_address(instance: EmailAddress, **kwargs: Any) -> None:
    """Log a removed address, by its owner or by staff."""
    note_on_commit("address removed", user_id=instance.user_id)


@receiver(post_delete, sender=Group)
def note_removed_group(instance: Group, **kwargs: Any) -> None:
    """Log a removed group of rights."""
    note_on_commit("group removed", group=instance.name)


@receiver(post_save, sender=Membership)
def note_membership(instance: Membership, created: bool, raw: bool, **kwargs: Any) -> None:
    """Log a new member, or a changed role."""
    if not raw:
        note_on_commit("member added" if created else "role changed", **_fields_of(instance))
        event = AuditEvent.MEMBER_JOINED if created else AuditEvent.ROLE_CHANGED
        note_change(event, organization_id=instance.organization_id, detail=f"{instance.user}, {instance.role}")


@receiver(post_delete, sender=Membership)
def note_removed_membership(instance: Membership, origin: Any, **kwargs: Any) -> None:
    """Log a removed member, unless the organization itself is being deleted, and its log with it."""
    note_on_commit("member removed", **_fields_of(instance))
    if getattr(origin, "model", type(origin)) is not Organization:
        note_change(
            AuditEvent.MEMBER_REMOVED,
            organization_id=instance.organization_id,
            detail=f"{instance.user}, {instance.role}",
        )


@receiver(post_save, sender=ApiKey)
def note_key(instance: ApiKey, created: bool, raw: bool, **kwargs: Any) -> None:
    """Log a new key, or one changed in admin. Updates of rows log for themselves."""
    if not raw:
        event = "API key created" if created else "API key changed"
        fields = {"organization_id": instance.organization_id, "scopes": instance.scopes}
        note_on_commit(event, api_key_id=instance.pk, **fields)
        told = AuditEvent.KEY_CREATED if created else AuditEvent.KEY_CHANGED
        note_change(told, organization_id=instance.organization_id, detail=str(instance))


def _fields_of(membership: Membership) -> dict[str, Any]:
    return {
        "user_id": membership.user_id,
        "organization_id": membership.organization_id,
        "member_id": membership.pk,
        "role": str(membership.role),
    }


connect_events()
