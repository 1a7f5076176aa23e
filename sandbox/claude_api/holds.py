"""Calls that wait, by the directive `hold=NAME`, until the control API releases them."""

from __future__ import annotations

import asyncio

from sandbox.claude_api.wire import ClientWatch

LOOKS_EVERY_S = 0.01
# A forgotten hold ends by itself.
LONGEST_HOLD_S = 600.0


class Holds:
    """The names of calls that are held now."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    def names(self) -> list[str]:
        """Return the names, in order."""
        return sorted(self._held)

    def release(self, name: str) -> bool:
        """Let the call of a name go on. Returns False where there is none."""
        is_held = name in self._held
        self._held.discard(name)
        return is_held

    def clear(self) -> None:
        """Let every call go on."""
        self._held.clear()

    async def wait(self, name: str, *, client: ClientWatch) -> None:
        """Hold a call until its release, or until its client has left."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + LONGEST_HOLD_S
        self._held.add(name)
        while name in self._held and not client.gone and loop.time() < ends_at:
            await client.pause(LOOKS_EVERY_S)
        self._held.discard(name)
