"""Actions of the admin that give money away: a stolen session of staff is not enough for them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User

pytestmark = pytest.mark.django_db
ASKS = reverse("account_reauthenticate")


@pytest.fixture
def stolen(superuser: User) -> Client:
    """The superuser's browser, an hour after the password was given."""
    superuser.set_password("the password 1")
    superuser.save()
    browser = Client()
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        browser.force_login(superuser)
    return browser


@pytest.mark.parametrize("name", ["creditgrant", "promotion", "creditnote"])
def test_the_password_is_asked_for_before_the_form(name, stolen):
    add = f"/admin/billing/{name}/add/"

    for answer in (stolen.get(add), stolen.post(add, {"_confirmed": "1"})):
        assert answer.status_code == 302
        assert answer.url == f"{ASKS}?next={add}"


@pytest.mark.parametrize(
    ("name", "action"),
    [("creditgrant", "end"), ("promotion", "switch_on"), ("dispute", "give_access_back")],
)
def test_the_password_is_asked_for_before_an_action_on_a_list(name, action, stolen):
    answer = stolen.post(f"/admin/billing/{name}/", {"action": action, "_selected_action": ["1"]})

    assert (answer.status_code, answer.url.startswith(ASKS)) == (302, True)
