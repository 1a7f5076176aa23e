"""The kinds of mail that people turned off. The kinds are told by the app that sends them."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import MailOptOut, User


def turned_off(*, user_id: int) -> set[str]:
    """Return the kinds of mail that a person turned off."""
    return set(MailOptOut.objects.filter(user_id=user_id).values_list("kind", flat=True))


def turn_off(*, user_id: int, kind: str) -> None:
    """Send a person no more mails of a kind."""
    MailOptOut.objects.get_or_create(user_id=user_id, kind=kind)


@transaction.atomic
def choose_mails(*, user_id: int, wanted: Collection[str], among: Collection[str]) -> None:
    """Turn on those kinds `among` a person's choices that are `wanted`, and the others off."""
    MailOptOut.objects.filter(user_id=user_id, kind__in=set(wanted)).delete()
    unwanted = sorted(set(among) - set(wanted))
    MailOptOut.objects.bulk_create([MailOptOut(user_id=user_id, kind=kind) for kind in unwanted], ignore_conflicts=True)


def without_those_who_turned_off(people: QuerySet[User], *, kind: str) -> QuerySet[User]:
    """Leave out the people who turned a kind of mail off."""
    return people.exclude(Exists(MailOptOut.objects.filter(user_id=OuterRef("id"), kind=kind)))
