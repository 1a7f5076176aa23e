"""`manage.py invoice_records INVOICE`: an invoice's file of records, as its customer gets it."""

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from djstripe.models import Invoice

from billing.bills.invoice_records import InvoiceNotFinal, final_invoice
from billing.bills.invoices import InvoiceNotFound
from billing.bills.records_file import records_file
from billing.models import BillingAccount


class Command(BaseCommand):
    """Writes the file."""

    help = "Write every request that an invoice bills, with the arithmetic: check it with billing/bills/verify_bill.py."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the options."""
        parser.add_argument("invoice", help="Stripe's id of the invoice, or its number")
        parser.add_argument("--output", help="the file to write (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, row by row. Raises CommandError where there is no such final invoice."""
        try:
            account = _account_of(options["invoice"])
            data = final_invoice(account=account, invoice_id=_id_of(options["invoice"]))
        except InvoiceNotFound as error:
            raise CommandError(f"No organization has an invoice {options['invoice']!r}.") from error
        except InvoiceNotFinal as error:
            raise CommandError(str(error)) from error
        path = options["output"]
        with Path(path).open("wb") if path else nullcontext(sys.stdout.buffer) as out:
            for piece in records_file(account=account, data=data):
                out.write(piece)


def _id_of(told: str) -> str:
    """Return the id of an invoice told by id or number. Raises InvoiceNotFound."""
    found = Invoice.objects.filter(id=told).first() or Invoice.objects.filter(stripe_data__number=told).first()
    if found is None:
        raise InvoiceNotFound
    return str(found.id)


def _account_of(told: str) -> BillingAccount:
    customer_id = Invoice.objects.get(id=_id_of(told)).stripe_data["customer"]
    account = BillingAccount.objects.filter(stripe_customer_id=customer_id).first()
    if account is None:
        raise InvoiceNotFound
    return account
