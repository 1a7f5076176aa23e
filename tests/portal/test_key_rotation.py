"""Rotating a key: two that work for a while, then one, with the same limits."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, KeyScope
from accounts.secret_hash import secret_hash
from billing.caps.caps import key_cap_balance, set_key_cap
from billing.keys.rotation import KeyIsOver, KeyIsReplaced, rotate_key
from billing.models import KeyBudget
from common import clock
from tests.factories import HAIKU
from tests.portal.test_keys import shown_key

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def old(organization) -> ApiKey:
    """A key with limits, that has spent $2 of its cap of $5."""
    key, _ = create_api_key(organization=organization, name="Server", models=[HAIKU], scopes=list(KeyScope))
    set_key_cap(organization_id=organization.id, api_key_id=key.id, cap_minor=Decimal(500), now=clock.now())
    KeyBudget.objects.filter(api_key=key).update(spent_minor=Decimal(200))
    return key


def rotate(key: ApiKey, **terms) -> ApiKey:
    new, _ = rotate_key(api_key=key, **{"overlap": HOUR, "by": None, "now": clock.now(), **terms})
    return new


def test_the_new_key_is_shown_and_both_work_for_the_overlap(browser: Client, old):
    body = browser.post(
        reverse("key_rotate", kwargs={"api_key_id": old.id}), {"overlap": "3600"}, follow=True
    ).content.decode()

    old.refresh_from_db()
    assert ApiKey.objects.usable().get(key_hash=secret_hash(shown_key(body))).name == "Server"
    assert "works for an hour more" in body
    assert old.expires_at
    assert abs(old.expires_at - clock.now() - HOUR) < timedelta(minutes=1)


def test_it_has_the_terms_of_the_old_one(old):
    new = rotate(old)

    assert (new.name, new.scopes, new.allowed_models) == (old.name, old.scopes, old.allowed_models)


def test_a_cap_is_not_spent_anew(old):
    balance = key_cap_balance(api_key=rotate(old), now=clock.now())

    assert balance
    assert (balance.cap_minor, balance.spent_minor) == (500, 200)


def test_an_end_that_is_nearer_than_the_overlap_stays(old):
    soon = clock.now() + timedelta(minutes=10)
    ApiKey.objects.filter(id=old.id).update(expires_at=soon)

    new = rotate(old)

    old.refresh_from_db()
    assert (old.expires_at, new.expires_at) == (soon, soon)


def test_without_overlap_the_old_one_ends_at_once(old):
    rotate(old, overlap=timedelta(0))

    assert not ApiKey.objects.usable().filter(id=old.id).exists()


def test_a_key_that_is_over_has_nothing_in_its_place(old):
    ApiKey.objects.filter(id=old.id).update(revoked_at=clock.now())

    with pytest.raises(KeyIsOver):
        rotate(old)


def test_a_second_rotation_names_the_key_in_its_place(browser: Client, old):
    new = rotate(old)

    with pytest.raises(KeyIsReplaced, match=new.last_four):
        rotate(old)
    told = browser.post(reverse("key_rotate", kwargs={"api_key_id": old.id}), {"overlap": "0"}, follow=True)

    assert f"{new.hint} takes its place" in told.content.decode()
    new.refresh_from_db()
    assert (new.expires_at, ApiKey.objects.count()) == (None, 2)


def test_the_new_key_is_rotated_in_turn(old):
    last = rotate(rotate(old))

    assert (last.expires_at, ApiKey.objects.usable().count()) == (None, 3)


def test_by_api_the_answer_has_the_new_key(client, organization, old):
    _, text = create_api_key(organization=organization, name="Ops", scopes=[KeyScope.MANAGE])

    answer = client.post(
        f"/api/v1/keys/{old.id}/rotate",
        {"overlap_s": 60},
        content_type="application/json",
        headers={"authorization": f"Bearer {text}"},
    )

    assert answer.status_code == 201
    assert answer.json()["cap_minor"] == "500"
    assert ApiKey.objects.filter(key_hash=secret_hash(answer.json()["key"])).exists()
