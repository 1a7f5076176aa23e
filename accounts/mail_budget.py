"""How many mails of a day a mailbox gets from us, and an organization sends: nobody floods a stranger through us.

Of codes a network may ask for a share, and codes that reset a password have a budget of their own for each network, so
that a stranger's network does not keep the owner from theirs. Notices of changed access count and always go out:
a thief could use a budget up before changing anything.
"""

import logging
from datetime import datetime

from django.conf import settings

from accounts.access_log import note
from accounts.addresses import mailbox_of
from accounts.counts import count_today

# So many networks have to ask before a mailbox gets no more codes.
NETWORKS = 3


class MailBudgetUsed(Exception):
    """The mails of the day are used up. The message says whose, and how to go on."""


def count_mail(*, email: str, now: datetime) -> None:
    """Count a mail to an address. Raises MailBudgetUsed after MAILS_A_DAY_PER_RECEIVER to its mailbox."""
    most = settings.MAILS_A_DAY_PER_RECEIVER
    if _is_over(f"mails:{mailbox_of(email)}", most=most, now=now):
        raise MailBudgetUsed(f"{email} got {most} mails from us today. Look for the newest, or try again tomorrow.")


def count_code(*, email: str, network: str, now: datetime) -> None:
    """Count a code that a network asked for. Raises MailBudgetUsed after its share, or as `count_mail` does."""
    most = settings.MAILS_A_DAY_PER_RECEIVER
    _count_asked(f"codes:{network}:{mailbox_of(email)}", email=email, most=most and max(most // NETWORKS, 1), now=now)
    count_mail(email=email, now=now)


def count_reset(*, email: str, network: str, now: datetime) -> None:
    """Count a mail that resets a password, asked for by a network. Raises MailBudgetUsed, as `count_mail` does."""
    most = settings.MAILS_A_DAY_PER_RECEIVER
    _count_asked(f"resets:{network}:{mailbox_of(email)}", email=email, most=most, now=now)


def count_invitation(*, organization_id: int, email: str, now: datetime) -> None:
    """Count an invitation. Raises MailBudgetUsed after INVITATIONS_A_DAY of the organization's, or as `count_mail`."""
    most = settings.INVITATIONS_A_DAY
    if _is_over(f"invitations:{organization_id}", most=most, now=now):
        raise MailBudgetUsed(f"Your organization has sent {most} invitations today. Send more tomorrow.")
    count_mail(email=email, now=now)


def _count_asked(name: str, *, email: str, most: int, now: datetime) -> None:
    if _is_over(name, most=most, now=now):
        raise MailBudgetUsed(
            f"Your network has asked for {most} mails to {email} today. Use the newest, or try again tomorrow."
        )


def _is_over(name: str, *, most: int, now: datetime) -> bool:
    if not most or count_today(name, now=now) <= most:
        return False
    note("mails of the day are used up", level=logging.WARNING, budget=name.partition(":")[0], most=most)
    return True
