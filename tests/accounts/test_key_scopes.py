"""A key's scopes open Claude, the management API, or both."""

import pytest
from django.db import IntegrityError, transaction

from accounts.api_keys import ScopeMissing, UnknownApiKey, create_api_key, find_caller_now
from accounts.models import ApiKey, KeyScope
from tests.factories import make_organization

CHAT, MANAGE = KeyScope.CHAT, KeyScope.MANAGE


def make_key(*scopes: KeyScope) -> str:
    return create_api_key(organization=make_organization(), name="Test", **({"scopes": scopes} if scopes else {}))[1]


@pytest.mark.django_db
def test_a_key_chats_alone_unless_told_otherwise():
    key = make_key()

    assert find_caller_now(key=key, scope=CHAT).scopes == {CHAT}
    with pytest.raises(ScopeMissing, match="'manage'"):
        find_caller_now(key=key, scope=MANAGE)


@pytest.mark.django_db
def test_a_managing_key_does_not_chat():
    key = make_key(MANAGE)

    assert find_caller_now(key=key, scope=MANAGE).scopes == {MANAGE}
    with pytest.raises(ScopeMissing, match="'chat'"):
        find_caller_now(key=key, scope=CHAT)


@pytest.mark.django_db
def test_a_key_may_have_both_scopes_in_any_order():
    key = make_key(MANAGE, CHAT)

    assert find_caller_now(key=key, scope=CHAT) == find_caller_now(key=key, scope=MANAGE)


@pytest.mark.django_db
def test_an_unknown_key_is_unknown_whatever_the_scope():
    with pytest.raises(UnknownApiKey):
        find_caller_now(key="rgent_nobody", scope=MANAGE)


@pytest.mark.django_db
def test_a_key_that_opens_nothing_cannot_be_stored():
    organization = make_organization()

    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(organization=organization, name="Nothing", key_hash="0" * 64, scopes="")
