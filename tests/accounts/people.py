"""People who can sign in, under the cheap hashes of these tests."""

from allauth.account.models import EmailAddress

from accounts.models import User
from tests.factories import make_user

PASSWORD = "correct horse battery staple"


def make_signer(*, email: str = "") -> User:
    """Make a person with a password and a verified address."""
    person = make_user(email=email, password=PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person
