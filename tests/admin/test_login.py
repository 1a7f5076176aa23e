"""Ways into the admin: its own page and the product's, both by e-mail."""

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User

PASSWORD = "correct horse battery staple"
INDEX = reverse("admin:index")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget_failed_tries() -> None:
    """Limits are kept in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@rgent.example", PASSWORD)


def log_in(client: Client, email: str, password: str = PASSWORD) -> object:
    return client.post(reverse("admin:login"), {"username": email, "password": password, "next": INDEX})


def test_a_superuser_logs_in_on_the_admins_page_in_any_case(client: Client, root: User) -> None:
    answer = log_in(client, "Root@Rgent.example")

    assert answer.url == INDEX
    assert client.get(INDEX).status_code == 200


def test_a_superuser_logs_in_on_the_products_page(client: Client, root: User) -> None:
    EmailAddress.objects.create(user=root, email=root.email, verified=True, primary=True)

    client.post(reverse("account_login"), {"login": root.email, "password": PASSWORD})

    assert client.get(INDEX).status_code == 200


@pytest.mark.parametrize("staff", [True, False])
def test_a_wrong_password_or_a_customer_stays_outside(client: Client, staff: bool) -> None:
    person = User.objects.create_user("someone@rgent.example", PASSWORD, is_staff=staff)

    answer = log_in(client, person.email, "wrong" if staff else PASSWORD)

    assert "Please enter the correct" in answer.content.decode()
    assert client.get(INDEX).status_code == 302


def test_guessing_is_stopped_even_for_who_guesses_right_at_last(client: Client, root: User) -> None:
    for _ in range(6):
        log_in(client, root.email, "a guess")

    answer = log_in(client, root.email)

    assert "Too many failed login attempts" in answer.content.decode()
    assert client.get(INDEX).status_code == 302
