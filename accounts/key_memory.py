"""Memory of the keys that call: a process looks each up once, and again after it has changed.

A request must not wait for a lookup, and a revoked key must stop within 5 s in every process. So while requests come,
each process asks the database once a second which keys have changed, and forgets these.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiKey, KeyScope
from common import background, clock
from common.database import in_database

ASK_EVERY_S = 1.0
# A process that cannot ask at once trusts its memory for this long; with the pause that stays below 5 s.
TRUSTED_FOR_S = 3.0
# A change is dated before it is committed, by another process's clock: so look back a little further.
LOOK_BACK = timedelta(seconds=15)
# Bounds the memory of a change that did not go through the models, such as a statement of SQL.
FORGOTTEN_AFTER_S = 60.0
# The first use of a key is written at once, later ones together, after this long.
NOTE_EVERY_S = 1.0
LAST_USED_RESOLUTION = timedelta(minutes=1)
MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class KeyProject:
    """A project, as far as a request needs to know it."""

    id: int
    name: str
    archived: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, as far as a request needs to know its key. Without `models` it may use all of the plan's.

    The `project` is the key's, or the one that the request names.
    """

    api_key_id: int
    organization_id: int
    scopes: frozenset[KeyScope] = frozenset({KeyScope.CHAT})
    models: tuple[str, ...] = ()
    expires_at: datetime | None = None
    key_prefix: str = ""
    project: KeyProject | None = None


def look_up(key_hash: str) -> Caller | None:
    """Return the caller of a key, as the database has it now; None if the key opens nothing."""
    api_key = ApiKey.objects.usable().filter(key_hash=key_hash).select_related("project").first()
    if api_key is None:
        return None
    project = api_key.project
    return Caller(
        api_key_id=api_key.id,
        organization_id=api_key.organization_id,
        scopes=api_key.scope_set,
        models=tuple(api_key.allowed_models),
        expires_at=api_key.expires_at,
        key_prefix=api_key.prefix,
        project=KeyProject(project.id, project.name, project.archived_at is not None) if project else None,
    )


def note_use(api_key_ids: list[int]) -> None:
    """Write down that keys were used just now, to about a minute of billing time."""
    now = clock.now()
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_RESOLUTION)
    ApiKey.objects.filter(long_ago, id__in=api_key_ids).update(last_used_at=now)


class KeyMemory:
    """Callers that one process remembers. `clock_s` is a monotonic clock, in seconds."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._callers: dict[str, tuple[Caller, float]] = {}
        self._asked_at_s = float("-inf")
        self._asked_at = timezone.now()
        self._asking = Lock()
        self._asking_ahead = False
        self._noted_at: dict[int, datetime] = {}
        self._to_note: set[int] = set()
        self._noting = False

    async def find(self, key_hash: str) -> Caller | None:
        """Return the caller of a key, at most TRUSTED_FOR_S behind the database; None if the key opens nothing.

        An unknown key is not remembered, so a new key works at once.
        """
        await self._catch_up()
        caller, forgotten_at_s = self._callers.get(key_hash, (None, 0.0))
        if caller is None or forgotten_at_s < self._clock_s():
            caller = await in_database(look_up, key_hash)
            if caller is None:
                return None
            self._remember(key_hash, caller)
        if caller.expires_at is not None and caller.expires_at <= clock.last_known():
            return None
        self._note(caller.api_key_id)
        return caller

    def _remember(self, key_hash: str, caller: Caller) -> None:
        if len(self._callers) >= MOST_REMEMBERED:
            self._callers.clear()
        self._callers[key_hash] = (caller, self._clock_s() + FORGOTTEN_AFTER_S)

    async def _catch_up(self) -> None:
        """Ask ahead of time while the memory may still be trusted; wait for the answer once it may not."""
        age_s = self._clock_s() - self._asked_at_s
        if age_s > TRUSTED_FOR_S:
            await in_database(self._ask)
        elif age_s > ASK_EVERY_S and not self._asking_ahead:
            self._asking_ahead = True
            background.spawn(self._ask_ahead())

    async def _ask_ahead(self) -> None:
        try:
            await in_database(self._ask)
        finally:
            self._asking_ahead = False

    def _ask(self) -> None:
        """Forget the keys that have changed. Runs in a database thread; the second of two finds it done."""
        with self._asking:
            if self._clock_s() - self._asked_at_s < ASK_EVERY_S:
                return
            now, now_s = timezone.now(), self._clock_s()
            clock.now()  # keys expire by it, on the event loop, where nobody can ask
            changed = ApiKey.objects.filter(changed_at__gt=self._asked_at - LOOK_BACK)
            for key_hash in changed.values_list("key_hash", flat=True):
                self._callers.pop(key_hash, None)
            self._asked_at, self._asked_at_s = now, now_s

    def _note(self, api_key_id: int) -> None:
        """Have the key's last use written down."""
        self._to_note.add(api_key_id)
        if not self._noting:
            self._noting = True
            background.spawn(self._note_all())

    async def _note_all(self) -> None:
        try:
            while self._to_note:
                api_key_ids, self._to_note = self._to_note, set()
                await in_database(self._write_down, sorted(api_key_ids))
                await asyncio.sleep(NOTE_EVERY_S)
        finally:
            self._noting = False

    def _write_down(self, api_key_ids: list[int]) -> None:
        """Note the uses that are not within LAST_USED_RESOLUTION of a noted one. Runs in a database thread."""
        now = clock.now()
        due = [each for each in api_key_ids if not self._is_noted(each, now=now)]
        if not due:
            return
        note_use(due)
        if len(self._noted_at) >= MOST_REMEMBERED:
            self._noted_at.clear()
        self._noted_at |= dict.fromkeys(due, now)

    def _is_noted(self, api_key_id: int, *, now: datetime) -> bool:
        noted_at = self._noted_at.get(api_key_id)
        return noted_at is not None and noted_at <= now < noted_at + LAST_USED_RESOLUTION
