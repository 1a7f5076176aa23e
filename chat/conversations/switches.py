"""The switches of the chat page: the operator's switch for all, and an owner's for one organization."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.audit import AuditEvent, note_change
from chat.models import ChatSwitch


class ChatSwitchedOff(Exception):
    """The chat page is switched off. The message says by whom."""


def check_switched_on(*, organization_id: int) -> None:
    """Raise ChatSwitchedOff unless the operator and the organization's owner let its people chat."""
    if not settings.CHAT_PAGE:
        raise ChatSwitchedOff("The chat page is switched off on this site. API keys work as before.")
    if not is_on(organization_id=organization_id):
        raise ChatSwitchedOff("An owner of your organization has switched the chat page off. API keys work as before.")


def is_on(*, organization_id: int) -> bool:
    """Tell whether an organization's owner leaves the chat page on."""
    return not ChatSwitch.objects.filter(organization_id=organization_id).exists()


@transaction.atomic
def switch(*, organization_id: int, on: bool, now: datetime) -> None:
    """Switch an organization's chat page on or off; its log tells who did. Conversations are kept either way."""
    if on:
        changed = bool(ChatSwitch.objects.filter(organization_id=organization_id).delete()[0])
    else:
        _, changed = ChatSwitch.objects.get_or_create(
            organization_id=organization_id, defaults={"switched_off_at": now}
        )
    if changed:
        event = AuditEvent.CHAT_SWITCHED_ON if on else AuditEvent.CHAT_SWITCHED_OFF
        note_change(event, organization_id=organization_id)
