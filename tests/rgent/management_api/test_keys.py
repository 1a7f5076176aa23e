"""Keys by the management API."""

import pytest
from django.utils import timezone

from accounts.api_keys import create_api_key, find_caller_now
from accounts.models import ApiKey, KeyScope
from tests.factories import HAIKU, begin, make_subscriber, settle
from tests.rgent.management_api.client import make_manager

pytestmark = pytest.mark.django_db


def test_a_new_key_is_told_once_and_works(manager):
    made = manager.ok("POST", "/keys", {"name": "Laptop"}, status=201)

    caller = find_caller_now(key=made["key"], scope=KeyScope.CHAT)
    assert (caller.organization_id, caller.api_key_id) == (manager.organization.id, made["id"])
    assert (made["scopes"], made["state"]) == (["chat"], "active")
    assert "key" not in manager.get(f"/keys/{made['id']}")


def test_a_new_key_counts_as_made_by_whoever_made_the_calling_one(manager):
    made = manager.ok("POST", "/keys", {"name": "Laptop"}, status=201)

    assert made["created_by"] == manager.organization.members.get().email


def test_a_new_key_has_the_scopes_and_the_end_it_was_given(manager):
    wanted = {"name": "CI", "scopes": ["manage", "chat"], "expires_at": "2099-01-01T01:00:00+01:00"}

    made = manager.ok("POST", "/keys", wanted, status=201)

    assert (made["scopes"], made["expires_at"]) == (["chat", "manage"], "2099-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("expires_at", "words"),
    [
        ("2020-01-01T00:00:00Z", "This is in the past."),
        ("2099-01-01T00:00:00", "Send an instant with its offset"),
        ("0001-01-01T00:00:00+14:00", "expires_at:"),
        (5, "Send an instant with its offset"),
    ],
)
def test_an_end_that_cannot_be_is_refused(manager, expires_at, words):
    status, _, message = manager.error("POST", "/keys", {"name": "CI", "expires_at": expires_at})

    assert status == 400
    assert words in message


def test_keys_are_listed_a_page_at_a_time_the_newest_first(manager):
    for number in range(3):
        create_api_key(organization=manager.organization, name=f"Key {number}")

    first = manager.get("/keys?limit=2")
    rest = manager.get(f"/keys?limit=100&after_id={first['last_id']}")

    assert [key["name"] for key in first["data"]] == ["Key 2", "Key 1"]
    assert [key["name"] for key in rest["data"]] == ["Key 0", "Deploy", "Test"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_nothing_that_opens_anything_is_listed(manager):
    listed = manager.call("GET", "/keys").content.decode()

    stored = ApiKey.objects.get(id=manager.api_key.id)
    assert manager.key not in listed
    assert stored.key_hash not in listed


def test_a_key_is_renamed_and_nothing_else(manager):
    renamed = manager.ok("PATCH", f"/keys/{manager.api_key.id}", {"name": "Deploys"})

    assert renamed == {**manager.get(f"/keys/{manager.api_key.id}"), "name": "Deploys"}
    assert manager.error("PATCH", f"/keys/{manager.api_key.id}", {"scopes": ["chat"]})[0] == 400


LIMITS = {"models": [HAIKU], "cap_minor": "500.5", "expires_at": "2099-01-01T00:00:00Z"}
NO_LIMITS = {"models": [], "cap_minor": None, "expires_at": None}


def limits_of(key):
    return {name: key[name] for name in LIMITS}


def test_a_new_key_has_the_limits_it_was_given(manager):
    made = manager.ok("POST", "/keys", {"name": "CI", **LIMITS}, status=201)

    assert limits_of(made) == LIMITS
    assert (made["spent_minor"], made["held_minor"], made["left_minor"]) == ("0", "0", "500.5")
    assert find_caller_now(key=made["key"], scope=KeyScope.CHAT).models == (HAIKU,)


def test_a_new_key_has_no_limits_unless_asked(manager):
    made = manager.ok("POST", "/keys", {"name": "CI"}, status=201)

    assert limits_of(made) == NO_LIMITS
    assert (made["spent_minor"], made["held_minor"], made["left_minor"]) == (None, None, None)


def test_limits_are_set_and_lifted_one_by_one(manager):
    path = f"/keys/{manager.customer.api_key.id}"

    for name, value in LIMITS.items():
        before = manager.get(path)
        set_ = manager.ok("PATCH", path, {name: value})
        assert limits_of(set_) == {**limits_of(before), name: value}
    assert limits_of(manager.ok("PATCH", path, NO_LIMITS)) == NO_LIMITS


def test_a_capped_key_tells_what_it_spent_holds_and_has_left():
    customer = make_subscriber(now=timezone.now())
    manager = make_manager(customer)
    now = customer.account.period_starts_at
    settle(begin(customer, now=now), now=now, input_tokens=1000, output_tokens=1000)
    begin(customer, now=now)

    capped = manager.ok("PATCH", f"/keys/{customer.api_key.id}", {"cap_minor": "10"})

    assert (capped["spent_minor"], capped["held_minor"], capped["left_minor"]) == ("0.78", "0.676", "8.544")
    listed = {key["id"]: key["left_minor"] for key in manager.get("/keys")["data"]}
    assert listed == {customer.api_key.id: "8.544", manager.api_key.id: None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models": ["gpt-4"]}, "There is no model 'gpt-4' here. There are claude-haiku-5-5"),
        ({"models": "claude-haiku-5-5"}, "models:"),
        ({"models": None}, "models:"),
        ({"cap_minor": 5}, "Send a decimal as a string"),
        ({"cap_minor": "-1"}, "Send a decimal as a string"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "This is in the past."),
        ({"name": ""}, "name:"),
        ({"spent_minor": "0"}, "There is no such field"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_and_nothing_changed(manager, change, words):
    path = f"/keys/{manager.customer.api_key.id}"
    before = manager.get(path)

    status, _, message = manager.error("PATCH", path, {"name": "Other", **change})

    assert status == 400
    assert words in message
    assert manager.get(path) == before


def test_an_expired_key_opens_nothing_and_says_no_more_than_an_unknown_one(manager):
    ApiKey.objects.filter(id=manager.api_key.id).update(expires_at=timezone.now())

    expired, unknown = manager.error("GET", "/keys"), manager.error("GET", "/keys", key="rgent_nobody")

    assert expired == unknown
    assert expired[:2] == (401, "authentication_error")


def test_a_revoked_key_stays_listed_and_keeps_its_first_instant(manager):
    path = f"/keys/{manager.customer.api_key.id}"

    first = manager.ok("POST", f"{path}/revoke")
    again = manager.ok("POST", f"{path}/revoke")

    assert first["state"] == "revoked"
    assert again["revoked_at"] == first["revoked_at"]
    assert manager.get(path)["state"] == "revoked"


def test_an_expired_key_says_so(manager):
    ApiKey.objects.filter(id=manager.customer.api_key.id).update(expires_at=timezone.now())

    assert manager.get(f"/keys/{manager.customer.api_key.id}")["state"] == "expired"
