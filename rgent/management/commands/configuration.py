"""`./run manage configuration`: the reference of all variables."""

from typing import Any

from django.core.management.base import BaseCommand

from rgent.configuration import DOCUMENT, reference


class Command(BaseCommand):
    """Writes docs/configuration.md."""

    requires_system_checks = ()
    help = "Write docs/configuration.md from the settings and .env.example."

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        DOCUMENT.write_text(reference())
        self.stdout.write(f"{DOCUMENT} is written.")
