"""Proof that the person at the browser is the owner of the account: a password given a few minutes ago.

A session lives for weeks and can be stolen. Changes of access (addresses, keys, people's rights) ask for the password
again, unless the person signed in just now.
"""

from allauth.account import app_settings
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.utils import timezone

SIGNED_IN_AT = "signed_in_at"


def note_sign_in(request: HttpRequest) -> None:
    """Keep in the session when it began."""
    request.session[SIGNED_IN_AT] = timezone.now().timestamp()


def signed_in_recently(request: HttpRequest) -> bool:
    """Tell whether the session began within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    age_s = timezone.now().timestamp() - float(request.session.get(SIGNED_IN_AT, 0))
    return bool(0 <= age_s < app_settings.REAUTHENTICATION_TIMEOUT)


def is_confirmed(request: HttpRequest) -> bool:
    """Tell whether the password was given within ACCOUNT_REAUTHENTICATION_TIMEOUT, in signing in or since."""
    return signed_in_recently(request) or did_recently_reauthenticate(request)


def require_confirmation(request: HttpRequest) -> None:
    """Send a person whose password was not given lately to the page that asks for it.

    Raises ReauthenticationRequired, which allauth's middleware turns into a redirect; it repeats a POST afterwards.
    """
    if not is_confirmed(request):
        raise ReauthenticationRequired
