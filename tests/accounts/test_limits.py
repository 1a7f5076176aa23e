"""Limits on people nobody knows yet: wrong passwords by address and network, sign-ups by network and day."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.networks import network_of_address
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"
HOME, HOME_TOO, ELSEWHERE = "198.51.100.7", "198.51.100.200", "203.0.113.9"


@pytest.fixture
def owner() -> User:
    owner = make_user(email="owner@example.com", password=PASSWORD, is_superuser=True, is_staff=True)
    make_organization(owner=owner)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    return owner


def log_in(address: str, password: str, *, page: str = "account_login") -> bool:
    browser = Client(REMOTE_ADDR=address)
    name = "login" if page == "account_login" else "username"
    browser.post(reverse(page), {name: "owner@example.com", "password": password})
    return browser.get(reverse("overview")).status_code == 200


@pytest.mark.parametrize("page", ["account_login", "admin:login"])
def test_wrong_passwords_lock_their_own_network_out_alone(owner: User, page: str) -> None:
    for _ in range(5):
        log_in(HOME, "a guess", page=page)

    assert not log_in(HOME_TOO, PASSWORD, page=page)
    assert log_in(ELSEWHERE, PASSWORD, page=page)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
    ],
)
def test_a_network_is_one_line_of_a_provider(address: str, network: str) -> None:
    assert network_of_address(address) == network


def sign_up(number: int, address: str) -> Any:
    form = {"email": f"person-{number}@example.com", "password1": PASSWORD}
    return Client(REMOTE_ADDR=address).post(reverse("account_signup"), form)


def test_a_network_signs_up_so_many_people_a_day(settings: Any, account_log: list[Any]) -> None:
    settings.SIGN_UPS_A_DAY_PER_NETWORK = 2

    answers = [sign_up(number, address) for number, address in enumerate([HOME, HOME_TOO, HOME, ELSEWHERE])]

    assert [answer.status_code for answer in answers] == [302, 302, 429, 302]
    assert "Try again tomorrow, or from another network." in answers[2].content.decode()
    assert [record.network for record in account_log if hasattr(record, "network")] == ["198.51.100.0/24"]
    assert User.objects.count() == 3


def test_all_networks_sign_up_so_many_people_a_day(settings: Any) -> None:
    settings.SIGN_UPS_A_DAY, settings.SIGN_UPS_A_DAY_PER_NETWORK = 2, 1

    answers = [sign_up(number, address) for number, address in enumerate([HOME, HOME, ELSEWHERE, "192.0.2.1"])]

    assert [answer.status_code for answer in answers] == [302, 429, 302, 429]
    assert "We cannot open more accounts today." in answers[3].content.decode()
