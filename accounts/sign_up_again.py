"""Signing up once more before the first sign-up was confirmed, because its code was lost or somebody else asked for it.

The account stays one. Each browser keeps its own choices and gets a code of its own; the choices of the browser that
enters its code become the account's. So a stranger's password never opens an account that somebody else confirms.
"""

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpRequest

from accounts.models import Membership, Organization, User
from accounts.organizations import name_for

CHOICES = "sign_up_choices"


def find_unconfirmed(*, email: str) -> User | None:
    """Return the account that a sign-up with this address opened, if nobody has confirmed it or signed in yet."""
    opened = User.objects.filter(email=email, last_login=None, is_active=True, is_staff=False, is_superuser=False)
    for user in opened:
        addresses = EmailAddress.objects.filter(user=user)
        if addresses.exists() and not addresses.filter(verified=True).exists():
            return user
    return None


def keep_choices(request: HttpRequest, *, user: User, password: str, organization: str) -> None:
    """Keep in the session the password, hashed, and the organization's name that this browser chose."""
    request.session[CHOICES] = {
        "user_id": user.pk,
        "password": make_password(password),
        "organization": name_for(owner=user, name=organization),
    }


def forget_choices(request: HttpRequest) -> None:
    """Forget this browser's choices: its person signs in with the password that the account has."""
    request.session.pop(CHOICES, None)


@transaction.atomic
def apply_choices(request: HttpRequest, *, user: User) -> None:
    """Give the account what this browser chose, at its first sign-in. Later choices change nothing."""
    choices = request.session.pop(CHOICES, None)
    if not choices or choices["user_id"] != user.pk or user.last_login is not None:
        return
    user.password = choices["password"]
    user.save(update_fields=["password"])
    owned = Membership.objects.filter(user=user, role=Membership.Role.OWNER).values("organization_id")
    for organization in Organization.objects.filter(id__in=owned):
        organization.name = choices["organization"]
        organization.save(update_fields=["name"])
