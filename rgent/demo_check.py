"""A system check of the database: production sells nothing to a key and a password that stand in the manual."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import DatabaseError

from accounts.models import User
from rgent.laptop.demo import DEMO_EMAIL, DEMO_KEY, DEMO_PASSWORD, has_demo


@register(Tags.database)
def check_no_demo(databases: Sequence[str] | None = None, **kwargs: Any) -> list[Error]:
    """Refuse the demo's key and password in production. `migrate` runs this, and `check --database default`."""
    if not settings.PRODUCTION or not databases:
        return []
    try:
        return _errors()
    except DatabaseError:  # no tables yet, and so no demo
        return []


def _errors() -> list[Error]:
    errors = []
    if has_demo():
        key = f"The demo's key {DEMO_KEY!r} opens this database, and everybody knows it: revoke and delete it."
        errors.append(Error(key, id="rgent.E020"))
    owner = User.objects.filter(email=DEMO_EMAIL, is_active=True).first()
    if owner and owner.check_password(DEMO_PASSWORD):
        password = f"{DEMO_EMAIL} has the demo's password, which everybody knows: change it, or deactivate the account."
        errors.append(Error(password, id="rgent.E021"))
    return errors
