"""Keys by the management API."""

import pytest
from django.utils import timezone

from accounts.api_keys import create_api_key, find_caller_now
from accounts.models import ApiKey, KeyScope

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
