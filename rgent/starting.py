"""The start of web, worker and beat, refused if a rule of settings or of the database is broken."""

import sys
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import DatabaseError, connection

from rgent.checks import failed_checks
from rgent.laptop.demo import demo_access


@register(Tags.database)
def check_demo(databases: Collection[str] | None = None, **kwargs: Any) -> list[Error]:
    """Refuse a production database that the demo's public key or password opens. `migrate` runs this check too.

    A database without tables, or one that cannot be reached, passes: chat must start when PostgreSQL comes late.
    """
    if not settings.PRODUCTION or not databases:
        return []
    try:
        opened = demo_access()
    except DatabaseError:
        return []
    return [
        Error(f"{name} is public and opens this database: revoke or change it before production.", id="rgent.E011")
        for name in opened
    ]


def exit_where_unsafe(*, database: bool) -> None:
    """End this process, with a sentence for each broken rule of a start; with `database`, the tables' rules too."""
    failed = failed_checks()
    if database and settings.PRODUCTION and not failed:
        failed = [error.msg for error in check_demo(databases=["default"])]
        connection.close()
    if failed:
        sys.exit("rgent: " + " ".join(failed))
