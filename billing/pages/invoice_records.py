"""Downloads beside an invoice: the file of its records, and the script that recomputes the invoice from it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.pages.access import member_page
from billing.bills.invoice_records import InvoiceNotFinal, final_invoice
from billing.bills.invoices import InvoiceNotFound
from billing.bills.records_file import VERIFIER, records_file
from billing.pages.frame import account_of
from common.streamed_file import streamed_csv


@require_safe
@member_page
def invoice_records(request: HttpRequest, membership: Membership, *, invoice_id: str) -> HttpResponseBase:
    """Return every request that a final invoice bills, with the arithmetic, as CSV."""
    account = account_of(membership)
    try:
        data = final_invoice(account=account, invoice_id=invoice_id)
    except (InvoiceNotFound, InvoiceNotFinal) as error:
        raise Http404 from error
    pieces = records_file(account=account, data=data)
    return streamed_csv(pieces, request=request, name=f"invoice-{data['number'] or data['id']}-records.csv")


@require_safe
@member_page
def verifier(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Return the script that recomputes an invoice from its file of records."""
    return HttpResponse(
        VERIFIER.read_bytes(),
        content_type="text/x-python; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{VERIFIER.name}"'},
    )
