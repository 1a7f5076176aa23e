"""`./run`: set up what is missing and run everything, until Ctrl-C."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rgent.laptop.supervisor import StartFailed, run


class Command(BaseCommand):
    """Starts web, worker with beat, and in the sandbox mode the sandbox."""

    # All of Django's checks load every page and form, which takes as long as all else. The supervisor runs those of
    # settings.
    requires_system_checks = ()
    help = "Set up what is missing and start web, worker and (in the sandbox mode) the sandbox."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted."""
        try:
            run(say=self.stdout.write)
        except StartFailed as error:
            raise CommandError(str(error)) from error
