"""A person's conversations: listed by day, searched, renamed, deleted, and forgotten when their time is over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Membership
from chat.models import Conversation, Message

PAGE_SIZE = 60
MOST_WORDS = 12
FORGOTTEN_AT_ONCE = 100
TITLE_LENGTH = 120
# Both find words by their beginnings, and all of them in one message. Migration 0002 makes the two indexes.
SEARCHES = {
    "postgresql": "SELECT id FROM chat_message "
    "WHERE to_tsvector('simple', left(text, 100000)) @@ to_tsquery('simple', %s)",
    "sqlite": "SELECT rowid FROM chat_message_words WHERE chat_message_words MATCH %s",
}


@dataclass(frozen=True, slots=True)
class Day:
    """The conversations whose last message came on one day."""

    name: str
    conversations: list[Conversation]


def conversations_of(membership: Membership) -> QuerySet[Conversation]:
    """Return a member's own conversations, the last changed first. Nobody else's are read anywhere.

    Staff who only look have none: their membership is in no table.
    """
    return Conversation.objects.filter(membership_id=membership.pk).order_by("-changed_at", "-id")


def history(membership: Membership, *, wanted: str = "", page: int = 1) -> tuple[list[Conversation], bool]:
    """Return a page of a member's conversations in which the words occur, and whether there are more."""
    rows = conversations_of(membership)
    if words := re.findall(r"\w+", wanted)[:MOST_WORDS]:
        rows = rows.filter(Q(title__icontains=wanted.strip()) | Q(id__in=_found(membership, words)))
    start = (page - 1) * PAGE_SIZE
    found = list(rows.only("id", "title", "changed_at")[start : start + PAGE_SIZE + 1])
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def by_day(conversations: list[Conversation], *, now: datetime, zone: tzinfo) -> Iterator[Day]:
    """Yield conversations in their order, grouped by the reader's days."""
    today = now.astimezone(zone).date()
    for day, rows in groupby(conversations, key=lambda each: each.changed_at.astimezone(zone).date()):
        yield Day(_name(day, today=today), list(rows))


def rename(conversation: Conversation, *, title: str) -> None:
    """Give a conversation another title; an empty one changes nothing."""
    if title := " ".join(title.split())[:TITLE_LENGTH]:
        Conversation.objects.filter(id=conversation.id).update(title=title)


def delete(conversation: Conversation) -> None:
    """Delete a conversation with all its branches and files. The ledger keeps what it cost."""
    conversation.delete()


def forget_old_conversations(*, now: datetime) -> int:
    """Delete the conversations whose last message came CHAT_KEPT_DAYS ago; return how many. `now` is billing time."""
    if not settings.CHAT_KEPT_DAYS:
        return 0
    old = Conversation.objects.filter(changed_at__lt=now - timedelta(days=settings.CHAT_KEPT_DAYS)).order_by("id")
    forgotten = 0
    while ids := list(old.values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]):
        Conversation.objects.filter(id__in=ids).delete()
        forgotten += len(ids)
    return forgotten


def _found(membership: Membership, words: list[str]) -> QuerySet[Message, int]:
    """Return the ids of the conversations in which one message has all these words, or longer ones."""
    if connection.vendor == "postgresql":
        query = " & ".join(f"{word}:*" for word in words)
    else:
        query = " ".join(f'"{word}"*' for word in words)
    matches = RawSQL(SEARCHES[connection.vendor], [query])  # noqa: S611 - the words are a parameter
    messages = Message.objects.filter(conversation__membership_id=membership.pk, id__in=matches)
    return messages.values_list("conversation_id", flat=True)


def _name(day: date, *, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if today - timedelta(days=7) < day < today:
        return f"{day:%A}"
    return f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B %Y}"
