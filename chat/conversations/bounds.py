"""Bounds of asking, checked before a row is written: a form must fill neither the database nor a process's memory.

The spending cap, the trial's tokens and the rates of the plan are checked when the answer's request begins.
"""

from django.utils import timezone

from accounts.models import Membership
from chat.conversations.following import DEAD_AFTER
from chat.models import Message

# Each holds its whole branch in memory, with up to 20 MB of files.
MOST_WRITING = 3


class StillWriting(Exception):
    """As many answers of a member are being written as may be. The message says what to do."""


def check_writing(membership: Membership) -> None:
    """Raise StillWriting where as many answers of the member as may be are being written.

    Belongs into the transaction that writes the next answer: it keeps other forms of the member waiting until its end.
    """
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    rows = Message.objects.filter(
        conversation__membership=membership,
        state=Message.State.WRITING,
        # An answer that a dead process left behind is ended by the next page that shows it.
        alive_at__gte=timezone.now() - DEAD_AFTER,
    )
    if rows.count() >= MOST_WRITING:
        raise StillWriting(f"Claude is writing {MOST_WRITING} answers for you. Wait for one of them, or stop it first.")
