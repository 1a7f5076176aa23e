"""Second factors: an authenticator app, passkeys and recovery codes, which allauth keeps.

Their secrets are encrypted with SECRET_KEY, so that a copy of the database signs nobody in.
"""

from ipaddress import ip_address
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.access_log import note_on_commit
from accounts.audit import AuditEvent, note_change, note_change_of_person
from accounts.models import Membership, Organization, User
from common.sealing import seal, unseal

Type = Authenticator.Type
PURPOSE = "second factors"


class SecondFactorNeeded(Exception):
    """The organization asks its members for a second factor, and this one has none."""


class MFAAdapter(DefaultMFAAdapter):
    """Encrypts the secrets of authenticators."""

    def encrypt(self, text: str) -> str:
        """Return a text as the database keeps it."""
        return seal(text, purpose=PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return unseal(encrypted_text, purpose=PURPOSE)


def has_second_factor(user: User) -> bool:
    """Tell whether a person has an authenticator app or a passkey."""
    return bool(is_mfa_enabled(user, [Type.TOTP, Type.WEBAUTHN]))


def check_second_factor(membership: Membership) -> None:
    """Pass if the organization asks for no second factor, or the member has one. Raises SecondFactorNeeded."""
    if membership.organization.second_factor_required and not has_second_factor(membership.user):
        raise SecondFactorNeeded


def members_without_second_factor(*, organization_id: int) -> list[str]:
    """Return the names of an organization's members who have none."""
    having = Authenticator.objects.filter(type__in=[Type.TOTP, Type.WEBAUTHN]).values("user_id")
    members = Membership.objects.filter(organization_id=organization_id).exclude(user_id__in=having)
    return [member.user.get_full_name() for member in members.select_related("user").order_by("user__email")]


@transaction.atomic
def require_second_factor(*, organization: Organization, wanted: bool) -> None:
    """Close the portal of an organization to members without a second factor, or open it to them."""
    others = Organization.objects.filter(pk=organization.pk, second_factor_required=not wanted)
    if others.update(second_factor_required=wanted):
        event = AuditEvent.SECOND_FACTOR_REQUIRED if wanted else AuditEvent.SECOND_FACTOR_OPTIONAL
        note_change(event, organization_id=organization.pk)


def offers_passkeys(request: HttpRequest) -> bool:
    """Tell whether browsers make passkeys for the address that is asked: https with a name, or localhost.

    They make none for an IP address (w3.org/TR/webauthn-3, "effective domain").
    """
    host = request.get_host().rpartition(":")[0] or request.get_host()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure()
    return False


@receiver(post_save, sender=Authenticator)
def note_added(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    """Write down a new second factor. Each use of one saves it too."""
    if created:
        is_codes = instance.type == Type.RECOVERY_CODES
        _note(AuditEvent.RECOVERY_CODES_MADE if is_codes else AuditEvent.SECOND_FACTOR_ADDED, instance)


@receiver(post_delete, sender=Authenticator)
def note_removed(instance: Authenticator, **kwargs: Any) -> None:
    """Write down that a second factor is gone. New recovery codes take the place of the old ones."""
    if instance.type != Type.RECOVERY_CODES:
        _note(AuditEvent.SECOND_FACTOR_REMOVED, instance)


def _note(event: AuditEvent, authenticator: Authenticator) -> None:
    note_on_commit(str(event.label), user_id=authenticator.user_id, kind=authenticator.type)
    note_change_of_person(event, user=authenticator.user, detail=str(Type(authenticator.type).label))
