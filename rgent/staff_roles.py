"""The roles of staff, as Django's groups: support reads and looks, finance handles money, owners do all of it.

A superuser needs none of them, and alone gives them (`accounts.admin.people`).
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet

OURS = ("accounts", "billing", "djstripe", "account", "mfa")
# The rights of support. Stripe's objects and Claude's prices are money's matter.
READ_BY_SUPPORT = ("accounts", "billing")
NOT_FOR_SUPPORT = ("modelcost", "promotion")
# Changes that move money, or tell of it.
MONEY = (
    *("add_creditgrant", "change_creditgrant", "add_creditnote", "add_promotion", "change_promotion"),
    *("change_billingaccount", "change_dispute", "change_discrepancy", "change_meterevent", "change_invoicehold"),
    *("add_modelcost", "change_modelcost", "view_numbers"),
)


def set_up_roles() -> list[str]:
    """Make the groups, give each its rights and no other, and return their names. May run any number of times."""
    with transaction.atomic():
        for name, rights in _rights().items():
            group, _ = Group.objects.get_or_create(name=name)
            group.permissions.set(rights)
    return list(_rights())


def _rights() -> dict[str, Iterable[Permission]]:
    reading = _of(READ_BY_SUPPORT).filter(codename__startswith="view_")
    support = reading.exclude(content_type__model__in=NOT_FOR_SUPPORT).exclude(codename="view_numbers")
    look = Q(content_type__app_label="accounts", codename="look_into_organization")
    return {
        "Support": [*support, *Permission.objects.filter(look)],
        "Finance": _of(OURS).filter(Q(codename__startswith="view_") | Q(codename__in=MONEY)),
        "Owner": _of(OURS),
    }


def _of(labels: Iterable[str]) -> QuerySet[Permission]:
    return Permission.objects.filter(content_type__app_label__in=labels).order_by("id")
