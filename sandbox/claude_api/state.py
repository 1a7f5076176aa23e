"""The state of the sandbox's Claude."""

from __future__ import annotations

from pathlib import Path

from sandbox.claude_api.faults import Faults
from sandbox.claude_api.holds import Holds
from sandbox.claude_api.journal import Journal
from sandbox.claude_api.ledger import Ledger
from sandbox.claude_api.limits import RateLimits
from sandbox.claude_api.models import Catalogue
from sandbox.claude_api.pace import Pace, Settings
from sandbox.claude_api.prompt_cache import PromptCache
from sandbox.claude_api.store import Store


class State:
    """All that the sandbox's Claude remembers.

    The ledger, the models and the settings survive a restart; faults, caches and the journal do not.
    """

    def __init__(self, *, data_dir: Path) -> None:
        self.store = Store(data_dir=data_dir)
        self.ledger = Ledger(store=self.store)
        self.catalogue = Catalogue(store=self.store)
        self.pace = Pace(store=self.store)
        self.faults = Faults()
        self.holds = Holds()
        self.cache = PromptCache()
        self.limits = RateLimits()
        self.journal = Journal()

    def reset(self) -> None:
        """Go back to the state of the first start."""
        self.ledger.clear()
        self.catalogue.reset()
        self.pace.change(Settings())
        self.faults.clear()
        self.holds.clear()
        self.cache.clear()
        self.journal.clear()

    def close(self) -> None:
        """Close the file."""
        self.store.close()
