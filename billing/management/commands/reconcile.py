"""`manage.py reconcile`: compare ledger, totals, meter events, Stripe's meters and invoices."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization
from billing.reconciliation.differences import Report
from billing.reconciliation.run import reconcile
from common import clock
from common.numbers import whole_number


class Command(BaseCommand):
    """Reconciles. It may run any number of times, and beside customers who call."""

    help = "Compare what was used with totals, meter events, Stripe's meters and invoices, to the token and the cent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the options."""
        parser.add_argument("--organization", help="an organization's name or number: all its periods, closed ones too")
        parser.add_argument("--repair", action="store_true", help="repair differences where that is safe")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare and print. Fails where a difference remains, so that a script can tell."""
        organization_id = _organization(options["organization"]) if options["organization"] else None
        report = reconcile(now=clock.now(), organization_id=organization_id, repair=options["repair"])
        self._print(report)
        left = [each for each in report.differences if each.subject not in report.repairs]
        if left:
            raise CommandError(f"{len(left)} differences remain.")

    def _print(self, report: Report) -> None:
        for each in report.differences:
            self.stdout.write(f"{each.kind}: {each.subject}")
            self.stdout.write(f"  expected {each.expected:,} tokens, found {each.found:,}. {each.detail}")
            if done := report.repairs.get(each.subject):
                self.stdout.write(f"  Repaired: {done}")
        for text in report.waiting:
            self.stdout.write(f"not yet comparable: {text}")
        count = len(report.differences) or "zero"
        scope = f"{report.organizations} organizations, {report.figures} figures"
        self.stdout.write(f"{count} differences. Compared to the token and the cent: {scope}.")


def _organization(text: str) -> int:
    """Return the id of an organization by number or name."""
    number = whole_number(text)
    found = Organization.objects.filter(name=text) if number is None else Organization.objects.filter(id=number)
    ids = list(found.order_by("id").values_list("id", flat=True)[:2])
    if len(ids) != 1:
        raise CommandError(f"{'No' if not ids else 'More than one'} organization is called {text!r}: give its number.")
    return ids[0]
