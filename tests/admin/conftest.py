"""A superuser at the admin, and the cast."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.admin.cast import Cast, make_cast


@pytest.fixture(autouse=True)
def billing_time_is_wall_time(settings: Any) -> None:
    """Keep clear of a sandbox that another test may have sent into the future."""
    settings.BILLING_CLOCK_URL = ""


@pytest.fixture
def cast(db: None) -> Cast:
    """One organization with a row of everything there is."""
    return make_cast()


@pytest.fixture
def superuser(db: None) -> User:
    """A superuser, who may do everything in the admin."""
    return User.objects.create_superuser("root@rgent.example")


@pytest.fixture
def admin(superuser: User) -> Client:
    """A browser in which the superuser is logged in."""
    client = Client()
    client.force_login(superuser)
    return client
