"""Signing up with a known address: an unconfirmed one gets a new code, and nobody is told of either but by mail."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.sign_up_again import apply_choices, keep_choices
from tests.accounts.mails import code_in
from tests.factories import make_organization, make_user

pytestmark = pytest.mark.django_db

CODE_PAGE = reverse("account_email_verification_sent")
FIRST, SECOND = "the first password 1", "the second password 2"
ADDRESS = "ada@example.com"


def sign_up(*, password: str, email: str = ADDRESS, organization: str = "") -> Client:
    browser = Client()
    form = {"email": email, "password1": password, "organization": organization}
    answer = browser.post(reverse("account_signup"), form)
    assert answer.url == CODE_PAGE
    cache.clear()  # as if 15 s had gone by
    return browser


def test_the_second_code_opens_the_account_with_the_second_choices(mailoutbox: list[Any]) -> None:
    sign_up(password=FIRST, organization="First")
    browser = sign_up(password=SECOND, organization="Second")

    answer = browser.post(CODE_PAGE, {"code": code_in(mailoutbox[-1])}, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("overview")
    assert browser.get(reverse("overview")).status_code == 200
    assert User.objects.get().check_password(SECOND)
    assert Organization.objects.get().name == "Second"


def test_the_first_browser_opens_it_with_the_first_choices(mailoutbox: list[Any]) -> None:
    browser = sign_up(password=FIRST, organization="First")
    sign_up(password=SECOND, organization="Second")

    browser.post(CODE_PAGE, {"code": code_in(mailoutbox[0])})

    assert browser.get(reverse("overview")).status_code == 200
    assert User.objects.get().check_password(FIRST)
    assert Organization.objects.get().name == "First"


def test_a_code_opens_nothing_in_another_browser(mailoutbox: list[Any]) -> None:
    first, second = sign_up(password=FIRST), sign_up(password=SECOND)

    first.post(CODE_PAGE, {"code": code_in(mailoutbox[1])})
    second.post(CODE_PAGE, {"code": code_in(mailoutbox[0])})

    assert not EmailAddress.objects.filter(verified=True).exists()


def test_choices_are_void_after_the_first_sign_in(rf: RequestFactory) -> None:
    user = make_user(email=ADDRESS, password=FIRST, last_login=timezone.now())
    request = rf.get("/")
    request.session = SessionStore()
    keep_choices(request, user=user, password=SECOND, organization="")

    apply_choices(request, user=user)

    assert User.objects.get().check_password(FIRST)


def test_a_password_that_signs_in_stays_the_accounts(mailoutbox: list[Any]) -> None:
    sign_up(password=FIRST)
    browser = sign_up(password=SECOND)

    with time_machine.travel(timezone.now() + timedelta(hours=1)):  # the second code is over
        browser.post(reverse("account_login"), {"login": ADDRESS, "password": FIRST})
        browser.post(CODE_PAGE, {"code": code_in(mailoutbox[-1])})

    assert EmailAddress.objects.get().verified
    assert User.objects.get().check_password(FIRST)


@pytest.fixture
def hashes(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many passwords were hashed, which is what a sign-up's time goes into."""
    count: Counter[str] = Counter()
    encode = PBKDF2PasswordHasher.encode

    def counted(*args: Any, **kwargs: Any) -> str:
        count["hashed"] += 1
        return encode(*args, **kwargs)

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counted)
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1)
    return count


def work_of(hashes: Counter[str], mailoutbox: list[Any], url: str, form: dict[str, str]) -> dict[str, Any]:
    """Return what a request did, as far as it takes time or can be seen, without names and addresses."""
    browser = Client()
    hashes.clear()
    mailoutbox.clear()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = browser.post(url, form)
    page = browser.get(answer.url).content.decode().replace(form["email"], "ADDRESS")
    cache.clear()
    written = [query["sql"].split('"')[1] for query in queries if query["sql"].startswith("INSERT")]
    return {
        "answer": (answer.status_code, answer.url),
        "page": page.split("<main")[1].split('name="csrfmiddlewaretoken"')[0],
        "mails": [mail.to for mail in mailoutbox] == [[form["email"]]],
        "hashed": hashes["hashed"],
        "tables": set(written) - {"django_session"},
    }


@pytest.mark.parametrize("known", ["confirmed", "unconfirmed"])
def test_a_sign_up_with_a_known_address_looks_and_works_as_one_with_an_unknown(
    hashes: Counter[str], mailoutbox: list[Any], known: str
) -> None:
    user = make_user(email=ADDRESS, password=FIRST)
    make_organization(owner=user)
    EmailAddress.objects.create(user=user, email=ADDRESS, primary=True, verified=known == "confirmed")
    url, form = reverse("account_signup"), {"password1": SECOND, "organization": "Acme"}

    with_known = work_of(hashes, mailoutbox, url, {**form, "email": ADDRESS})
    with_unknown = work_of(hashes, mailoutbox, url, {**form, "email": "new@example.com"})

    assert with_known == with_unknown
    assert with_known["hashed"] == 1
    assert User.objects.count() == 2


def test_a_reset_for_a_known_address_looks_and_works_as_one_for_an_unknown(
    hashes: Counter[str], mailoutbox: list[Any]
) -> None:
    make_user(email=ADDRESS, password=FIRST)
    url = reverse("account_reset_password")

    with_known = work_of(hashes, mailoutbox, url, {"email": ADDRESS})

    assert with_known == work_of(hashes, mailoutbox, url, {"email": "new@example.com"})


def test_a_mail_server_that_hangs_keeps_nobody_waiting(settings: Any, mailoutbox: list[Any]) -> None:
    settings.MAIL_IN_BACKGROUND = True
    settings.EMAIL_BACKEND = "tests.accounts.slow_mail.SlowBackend"

    sign_up(password=FIRST)

    assert mailoutbox == []
    deadline = time.monotonic() + 5
    while not mailoutbox and time.monotonic() < deadline:
        time.sleep(0.01)
    assert mailoutbox[0].to == [ADDRESS]
