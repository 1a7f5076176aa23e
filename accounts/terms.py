"""The terms of the service: accepted at sign-up, and asked for again when there is a new version.

Where no address of terms is set there are none, and nobody is asked.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from accounts.access_log import address_of
from accounts.models import TermsAcceptance, User


def must_accept(user: User) -> bool:
    """Tell whether a person has yet to accept the present terms."""
    return bool(settings.TERMS_URL) and user.terms_version != settings.TERMS_VERSION


@transaction.atomic
def accept_terms(*, user: User, request: HttpRequest, now: datetime) -> None:
    """Note that a person accepts the present terms. A second acceptance changes nothing."""
    TermsAcceptance.objects.get_or_create(
        user=user,
        version=settings.TERMS_VERSION,
        defaults={"address": settings.TERMS_URL, "accepted_at": now, "ip": address_of(request)},
    )
    user.terms_version = settings.TERMS_VERSION
    user.save(update_fields=["terms_version"])
