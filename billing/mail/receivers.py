"""The people who get a notice: members of its roles who may sign in and have not turned its kind off."""

from django.db.models import QuerySet

from accounts.mail_choices import without_those_who_turned_off
from accounts.models import User
from billing.mail.kinds import kind_of
from billing.models import Notice


def receivers_of(notice: Notice) -> QuerySet[User]:
    """Return the people who are to get a notice, as of now."""
    kind = kind_of(notice.kind)
    people = User.objects.filter(
        is_active=True, memberships__organization_id=notice.organization_id, memberships__role__in=kind.roles
    )
    return people if kind.mandatory else without_those_who_turned_off(people, kind=kind.kind)
