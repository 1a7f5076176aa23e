"""A customer's list of invoices, a page at a time."""

from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, Q
from djstripe.models import Invoice

from billing.bills.invoices import NEWEST_FIRST, InvoiceSummary, summary_of
from billing.credits.refunds import refunded_of_each
from common.numbers import whole_number

PAGE_SIZE = 12
LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePage:
    """Invoices of one page, newest first. `open_ones` are all that are to be paid, on whichever page."""

    number: int
    invoices: list[InvoiceSummary]
    has_next: bool
    open_ones: list[InvoiceSummary]

    @property
    def has_previous(self) -> bool:
        """Whether there are newer ones."""
        return self.number > 1

    @property
    def has_other_pages(self) -> bool:
        """Whether these are not all."""
        return self.has_previous or self.has_next

    @property
    def previous_page_number(self) -> int:
        """The number of the page with newer ones."""
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        """The number of the page with older ones."""
        return self.number + 1


def page_number(text: str | None) -> int:
    """Return the number of a page from an address; the first where it is none."""
    return min(whole_number(text) or 1, LAST_PAGE)


def invoice_page(*, customer_id: str, number: int) -> InvoicePage:
    """Return a page of a Stripe customer's invoices, counted from 1, in one query; none for an empty id."""
    if not customer_id:
        return InvoicePage(number=1, invoices=[], has_next=False, open_ones=[])
    rows = Invoice.objects.filter(customer__id=customer_id).order_by(*NEWEST_FIRST)
    begin = (number - 1) * PAGE_SIZE
    listed = Q(djstripe_id__in=rows.values("djstripe_id")[begin : begin + PAGE_SIZE + 1])
    rows = rows.annotate(
        listed=ExpressionWrapper(listed, output_field=BooleanField()), refunded_minor=refunded_of_each()
    )
    found = list(rows.filter(Q(listed=True) | Q(stripe_data__status="open")))
    listed_rows = [row for row in found if row.listed]
    on_page = [summary_of(row.stripe_data, refunded_minor=row.refunded_minor or 0) for row in listed_rows[:PAGE_SIZE]]
    return InvoicePage(
        number=number,
        invoices=on_page,
        has_next=len(listed_rows) > PAGE_SIZE,
        open_ones=[summary_of(row.stripe_data) for row in found if row.stripe_data["status"] == "open"],
    )
