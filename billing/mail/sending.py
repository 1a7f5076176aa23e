"""Sending notices: each once to each of its people, whatever number of workers runs and whenever one is killed.

A notice's mails are made in one transaction, which marks it. A mail is leased before it is sent, and marked afterwards.
A worker that is killed in between leaves the lease, after which the mail is sent again under the same Message-ID
(docs/decisions/0025-mail-once.md).
"""

import logging
import smtplib
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.mail_refusals import forget_refusal, note_refusal, refusal_in
from billing.mail.letters import letter_of
from billing.mail.receivers import receivers_of
from billing.models import Notice, NoticeMail
from common.letters import message_of

logger = logging.getLogger(__name__)

State = NoticeMail.State
BATCH = 500
# Longer than the task may run, which sends one mail after another.
LEASE = timedelta(minutes=5)
PAUSES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=4))
GIVE_UP_AFTER = timedelta(days=3)
# A full mailbox or an odd letter. The server takes the next mail.
OF_ONE_MAIL = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)


def address_notices(*, now: datetime) -> int:
    """Make the mails of new notices, and return their number. `now` is wall time."""
    new = Notice.objects.filter(addressed_at=None).order_by("id")[:BATCH]
    return sum(_address(notice, now=now) for notice in new)


@transaction.atomic
def _address(notice: Notice, *, now: datetime) -> int:
    """Make a notice's mails, unless another worker has made them."""
    if not Notice.objects.filter(id=notice.id, addressed_at=None).update(addressed_at=now):
        return 0
    mails = [NoticeMail(notice=notice, user=user, next_attempt_at=now) for user in receivers_of(notice).order_by("id")]
    return len(NoticeMail.objects.bulk_create(mails))


def send_due(*, stop_after_s: float) -> int:
    """Send the mails that are due, each taken by one worker, and return how many the mail server accepted.

    A mail server that fails ends the run, so that a worker does not wait for it once for each mail.
    """
    stop_at_s = time.monotonic() + stop_after_s
    due = NoticeMail.objects.filter(state=State.WAITING, next_attempt_at__lte=timezone.now())
    sent = 0
    for mail in due.select_related("notice__organization", "user").order_by("next_attempt_at", "id")[:BATCH]:
        if time.monotonic() > stop_at_s:
            break
        try:
            sent += _take(mail) and _send(mail)
        except OSError:
            break
    return sent


def _take(mail: NoticeMail) -> bool:
    """Lease a mail. Returns False if another worker has taken it."""
    free = NoticeMail.objects.filter(id=mail.id, state=State.WAITING, next_attempt_at=mail.next_attempt_at)
    mail.attempts += 1
    return bool(free.update(next_attempt_at=timezone.now() + LEASE, attempts=mail.attempts))


def _send(mail: NoticeMail) -> bool:
    """Send a leased mail, and return whether the mail server accepted it. Raises OSError if the mail server is away."""
    if not receivers_of(mail.notice).filter(id=mail.user_id).exists():
        _end(mail, state=State.UNWANTED)  # they left, or turned the kind off, since it was made
        return False
    try:
        message_of(letter_of(mail), to=mail.user.email).send()
    except OSError as error:  # smtplib's errors are of this kind
        _not_sent(mail, error)
        return False
    except Exception as error:  # a letter that cannot be composed keeps nobody else from theirs
        logger.exception("a mail could not be composed", extra={"mail_id": mail.id})
        _try_later(mail, error=str(error))
        return False
    _end(mail, state=State.SENT)
    forget_refusal(user_id=mail.user_id)
    return True


def _not_sent(mail: NoticeMail, error: OSError) -> None:
    """Keep a refusal of the address. Raises the error where the server did not answer for this mail alone."""
    if not (refusal := refusal_in(error)):
        _try_later(mail, error=str(error))
        if isinstance(error, OF_ONE_MAIL):
            return
        raise error
    note_refusal(user_id=mail.user_id, email=mail.user.email, reason=refusal, now=timezone.now())
    _end(mail, state=State.REFUSED, error=refusal)


def _try_later(mail: NoticeMail, *, error: str) -> None:
    now = timezone.now()
    if now - mail.notice.created_at > GIVE_UP_AFTER:
        logger.error("a mail could not be sent, and is given up", extra={"mail_id": mail.id, "error": error})
        _end(mail, state=State.GIVEN_UP, error=error)
        return
    logger.warning("a mail could not be sent", extra={"mail_id": mail.id, "error": error})
    pause = PAUSES[min(mail.attempts, len(PAUSES)) - 1]
    _waiting(mail).update(next_attempt_at=now + pause, last_error=error[:500])


def _end(mail: NoticeMail, *, state: NoticeMail.State, error: str = "") -> None:
    _waiting(mail).update(state=state, ended_at=timezone.now(), last_error=error[:500])


def _waiting(mail: NoticeMail) -> QuerySet[NoticeMail]:
    return NoticeMail.objects.filter(id=mail.id, state=State.WAITING)
