"""`manage.py audit`: look for rows that break a promise of the ledger."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.invariants.catalogue import INVARIANTS
from billing.invariants.run import Finding, audit, chosen


class Command(BaseCommand):
    """Audits. It reads alone, and may run at any time, beside customers who call."""

    help = "Look at every invariant of the ledger and name the rows that break it. Reads alone, and asks nobody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the options."""
        parser.add_argument("--thorough", action="store_true", help="also what reads every usage record")
        parser.add_argument("--at-rest", action="store_true", help="nothing runs: also what is true then alone")
        parser.add_argument("--list", action="store_true", help="print the invariants, and look at none")
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="these alone", choices=[[], *(each.name for each in INVARIANTS)]
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look and print. Fails where a row breaks an invariant, so that a script can tell."""
        invariants = chosen(thorough=options["thorough"], at_rest=options["at_rest"], names=options["names"])
        if options["list"]:
            for each in INVARIANTS:
                self.stdout.write(f"{each.name:30} {each.promise}")
            return
        findings = list(audit(invariants))
        for finding in findings:
            self._print(finding)
        broken = [finding.invariant.name for finding in findings if finding.breaches]
        if broken:
            raise CommandError(f"{len(broken)} of {len(findings)} invariants are broken: {', '.join(broken)}.")
        self.stdout.write(f"All of {len(findings)} invariants hold.")

    def _print(self, finding: Finding) -> None:
        if finding.breaches:
            self.stdout.write(f"BROKEN {finding.invariant.name}: {finding.invariant.promise}")
        for each in finding.breaches:
            self.stdout.write(f"  {each.row}: {each.detail}")
        if finding.more:
            self.stdout.write("  and more")
