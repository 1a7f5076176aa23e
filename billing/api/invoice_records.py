"""An invoice's file of records."""

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from billing.api.base import BillingView
from billing.bills.invoice_records import final_invoice
from billing.bills.records_file import records_file
from common.rest.csv_table import CsvRenderer
from common.streamed_file import streamed_csv


class InvoiceRecordsView(BillingView):
    """The requests that an invoice bills."""

    renderer_classes = [CsvRenderer]

    @extend_schema(
        operation_id="get_invoice_records",
        summary="Download an invoice's records",
        responses={(200, "text/csv"): OpenApiTypes.STR, 409: None},
    )
    def get(self, request: Request, invoice_id: str) -> StreamingHttpResponse:
        """Return every request that a final invoice bills, with the arithmetic, each row chained to the one before.

        The portal's page of the invoice has the script that recomputes the invoice from the file.
        """
        data = final_invoice(account=self.account, invoice_id=invoice_id)
        pieces = records_file(account=self.account, data=data)
        return streamed_csv(
            pieces, request=request._request, name=f"invoice-{data['number'] or data['id']}-records.csv"
        )
