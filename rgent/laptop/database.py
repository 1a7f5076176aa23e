"""The database of a laptop, brought up to date at each start."""

import time
from collections.abc import Callable
from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

TELL_EVERY_S = 2.0


class _Progress(StringIO):
    """Counts the migrations that `migrate` prints, and says now and then how many are done."""

    def __init__(self, *, total: int, say: Callable[[str], object], on_step: Callable[[], object]) -> None:
        super().__init__()
        self._total, self._say, self._on_step = total, say, on_step
        self._done = 0
        self._told_at = time.monotonic()

    def write(self, text: str) -> int:
        """Take what `migrate` prints: each migration's line ends with OK."""
        self._on_step()
        self._done += text.count(" OK")
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._told_at = time.monotonic()
            self._say(f"rgent: preparing the database: {self._done} of {self._total} steps done")
        return len(text)


def prepare_database(*, say: Callable[[str], object], on_step: Callable[[], object]) -> None:
    """Apply the missing migrations, and tell how far it is. `on_step` is called between them, and may raise."""
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    say(f"rgent: preparing the database{f' ({missing} steps)' if missing else ''} ...")
    progress = _Progress(total=missing, say=say, on_step=on_step)
    call_command("migrate", verbosity=1, interactive=False, no_color=True, stdout=progress)
