"""The agenda: renewals, finalizations, retries and expiries. Each is a row of the agenda's table and a function
registered here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sandbox.store import Due
from sandbox.stripe_api.protocol.world import World

log = logging.getLogger(__name__)

Action = Callable[[World, str], None]
_ACTIONS: dict[str, Action] = {}


def due(name: str) -> Callable[[Action], Action]:
    """Register the function `(world, object id)` that does `name` when it falls due."""

    def register(action: Action) -> Action:
        _ACTIONS[name] = action
        return action

    return register


def run(world: World, item: Due) -> None:
    """Do one due action in one transaction, with `world.now` being the moment it was due.

    A failing action is logged and leaves the agenda all the same: it would fail again for ever, and stop everything
    behind it.
    """
    try:
        with world.store.transaction(), world.store.savepoint():
            world.store.unschedule(item.action, item.subject)
            _ACTIONS[item.action](world, item.subject)
    except Exception:
        log.exception("%s of %s failed", item.action, item.subject)
        world.store.unschedule(item.action, item.subject)
