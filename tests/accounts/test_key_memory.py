"""The memory of keys in a process, and how soon it sees a change."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.api_keys import create_api_key, revoke_api_key
from accounts.key_memory import FORGOTTEN_AFTER_S, LAST_USED_RESOLUTION, LOOK_BACK, TRUSTED_FOR_S, KeyMemory
from accounts.models import ApiKey
from common import clock
from tests.factories import make_organization


@pytest.fixture(autouse=True)
def _noted_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.key_memory.NOTE_EVERY_S", 0.0)


@pytest.fixture
def key(committing_db: None) -> ApiKey:
    """A key that may chat."""
    return create_api_key(organization=make_organization(), name="Test")[0]


def finds(memory: KeyMemory, api_key: ApiKey) -> bool:
    """Tell whether a process with this memory lets the key in, and end all it does besides."""

    async def find() -> bool:
        found = await memory.find(api_key.key_hash) is not None
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return found

    return asyncio.run(find())


class Memory(KeyMemory):
    """A memory whose time stands still until it is told."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        super().__init__(clock_s=lambda: self.passed_s)

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """Let time pass, for this memory and on the wall."""
        self.passed_s += seconds
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
            yield


def revoke(api_key: ApiKey) -> None:
    revoke_api_key(organization=api_key.organization, api_key_id=api_key.id, now=timezone.now())


def test_it_trusts_what_it_remembers_for_a_moment(key):
    memory = Memory()
    finds(memory, key)
    revoke(key)

    assert finds(memory, key)


def save_with_fields(api_key: ApiKey) -> None:
    api_key.revoked_at = timezone.now()
    api_key.save(update_fields=["revoked_at"])


@pytest.mark.parametrize("change", [revoke, save_with_fields])
def test_it_sees_a_change_within_five_seconds(key, change: Callable[[ApiKey], None]):
    memory = Memory()
    finds(memory, key)
    change(key)

    with memory.later(TRUSTED_FOR_S + 1):
        assert not finds(memory, key)


def test_it_asks_ahead_so_that_a_busy_process_never_waits(key):
    memory = Memory()
    finds(memory, key)
    revoke(key)

    with memory.later(TRUSTED_FOR_S - 1):
        assert finds(memory, key)  # trusted still, while the question is asked beside it
        assert not finds(memory, key)


def test_it_sees_a_change_that_was_committed_late(key):
    memory = Memory()
    finds(memory, key)
    begun_at = timezone.now() - LOOK_BACK / 2
    ApiKey.objects.filter(id=key.id).update(revoked_at=begun_at, changed_at=begun_at)

    with memory.later(TRUSTED_FOR_S + 1):
        assert not finds(memory, key)


def test_it_forgets_in_time_what_was_deleted(key):
    memory = Memory()
    finds(memory, key)
    key.delete()

    with memory.later(FORGOTTEN_AFTER_S + 1):
        assert not finds(memory, key)


def test_a_key_expires_though_it_is_remembered(key):
    ApiKey.objects.filter(id=key.id).update(expires_at=timezone.now() + timedelta(seconds=2))
    memory = Memory()
    assert finds(memory, key)

    with memory.later(2.5):
        assert not finds(memory, key)


def test_it_writes_down_the_last_use_once_a_minute(key):
    memory = Memory()
    finds(memory, key)
    key.refresh_from_db()
    first = key.last_used_at

    with memory.later(LAST_USED_RESOLUTION.seconds / 2):
        finds(memory, key)
        key.refresh_from_db()
        assert key.last_used_at == first
    with memory.later(LAST_USED_RESOLUTION.seconds + 1):
        finds(memory, key)
        key.refresh_from_db()
        assert key.last_used_at > first


def test_a_use_is_no_change_to_look_up_again(key):
    memory = Memory()
    finds(memory, key)
    changed_at = ApiKey.objects.get(id=key.id).changed_at

    with memory.later(LAST_USED_RESOLUTION.seconds + 1):
        finds(memory, key)

    assert ApiKey.objects.get(id=key.id).changed_at == changed_at


def test_a_key_is_dated_by_the_time_that_its_usage_is(committing_db, sandbox):
    key = create_api_key(organization=make_organization(), name="Test")[0]
    memory = Memory()
    finds(memory, key)

    sandbox.advance("1 month")
    finds(memory, key)

    key.refresh_from_db()
    assert key.created_at < clock.now() - timedelta(days=27)
    assert clock.now() - key.last_used_at < timedelta(minutes=1)


def test_a_key_expires_when_the_sandboxs_clock_says_so(committing_db, sandbox):
    expires_at = clock.now() + timedelta(days=7)
    key = create_api_key(organization=make_organization(), name="Test", expires_at=expires_at)[0]
    ApiKey.objects.update(changed_at=timezone.now() - 2 * LOOK_BACK)  # it is remembered, and not looked up again
    memory = Memory()
    assert finds(memory, key)

    sandbox.advance("1 month")
    with memory.later(TRUSTED_FOR_S + 1):
        assert not finds(memory, key)
    assert not finds(Memory(), key)
