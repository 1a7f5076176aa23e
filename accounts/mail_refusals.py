"""Addresses that a mail server refused: known from its answer while we send, and shown to the person's organization.

A server that accepts a mail and returns it later tells the sender's mailbox, not us.
"""

import smtplib
from datetime import datetime

from django.db.models import F

from accounts.models import MailRefusal, User

# A server's "not now", such as a full mailbox or greylisting, is 4xx (https://www.rfc-editor.org/rfc/rfc5321).
PERMANENT = 500
MOST_CHARS = 300


def refusal_in(error: OSError) -> str:
    """Return the mail server's words if it refused the receiver's address for good, and nothing for other errors."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return ""
    code, reason = next(iter(error.recipients.values()), (0, b""))
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return " ".join(f"{code} {text}".split())[:MOST_CHARS] if code >= PERMANENT else ""


def note_refusal(*, user_id: int, email: str, reason: str, now: datetime) -> None:
    """Keep that mail to a person's address was refused."""
    MailRefusal.objects.update_or_create(
        user_id=user_id, defaults={"email": email, "reason": reason, "refused_at": now}
    )


def forget_refusal(*, user_id: int) -> None:
    """Forget a refusal: the server takes the person's mail again."""
    MailRefusal.objects.filter(user_id=user_id).delete()


def refusal_of(person: User) -> MailRefusal | None:
    """Return the refusal of a person's present address, if there was one."""
    return MailRefusal.objects.filter(user_id=person.pk, email=person.email).first()


def refusals_of(*, organization_id: int) -> dict[int, str]:
    """Return the mail server's words about the refused addresses of an organization's people, by the person's id."""
    people = MailRefusal.objects.filter(user__memberships__organization_id=organization_id, email=F("user__email"))
    return dict(people.values_list("user_id", "reason"))
