"""`./run manage doctor`: whether this installation can serve and bill, and what it lacks."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from rgent.doctor.examination import examine
from rgent.doctor.findings import State

MARKS = {State.GOOD: "ok", State.LOOK: "look", State.WRONG: "WRONG"}


class Command(BaseCommand):
    """Prints a line for each thing, and exits with 1 where something is wrong."""

    # It says itself what is wrong with the settings.
    requires_system_checks = ()
    help = "Look at keys, Stripe, Claude, mail, clock and proxy, by calls that cost nothing, and say what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the option."""
        parser.add_argument("--fix", action="store_true", help="make or mend the webhook endpoint at Stripe")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at everything."""
        styles = {State.GOOD: self.style.SUCCESS, State.LOOK: self.style.WARNING, State.WRONG: self.style.ERROR}
        found = []
        for finding in examine(fix=options["fix"]):
            found.append(finding.state)
            mark = styles[finding.state](f"{MARKS[finding.state]:5}")
            self.stdout.write(f"{mark} {finding.subject + ':':10} {finding.words}")
        wrong = found.count(State.WRONG)
        self.stdout.write(f"{wrong} wrong, {found.count(State.LOOK)} to look at, {found.count(State.GOOD)} good.")
        if wrong:
            sys.exit(1)
