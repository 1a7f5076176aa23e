"""Mail in the sandbox mode: written to the console, and kept for a page that shows it."""

import email
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as ConsoleBackend

KEPT = 100


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as its reader sees it: the plain text, and the HTML where there is one. `name` finds it again."""

    name: str
    to: str
    subject: str
    sent_at: str
    text: str
    html: str


class MailboxBackend(ConsoleBackend):
    """Prints each mail and keeps the newest hundred under VAR_DIR."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep the mails, then print them."""
        folder: Path = settings.MAILBOX_DIR
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            (folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.eml").write_bytes(message.message().as_bytes())
        for old in sorted(folder.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return super().send_messages(email_messages) or 0


def newest_mails() -> list[Mail]:
    """Return the mails that are kept, the newest first."""
    files = sorted(settings.MAILBOX_DIR.glob("*.eml"), reverse=True)
    return [_read(file) for file in files]


def mail_named(name: str) -> Mail | None:
    """Return one of the mails that are kept."""
    return next((_read(file) for file in settings.MAILBOX_DIR.glob("*.eml") if file.stem == name), None)


def _read(file: Path) -> Mail:
    message = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    text, html = message.get_body(preferencelist=("plain",)), message.get_body(preferencelist=("html",))
    return Mail(
        name=file.stem,
        to=str(message["To"]),
        subject=str(message["Subject"]),
        sent_at=str(message["Date"]),
        text=str(text.get_content()) if text else "",
        html=str(html.get_content()) if html else "",
    )
