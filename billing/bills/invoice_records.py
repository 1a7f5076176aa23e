"""The requests that an invoice bills: those of its metered lines, and those of its items of late usage."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q
from djstripe.models import Invoice

from billing.bills.billed_usage import Terms, Used, billed_usage
from billing.bills.invoices import InvoiceNotFound, line_data
from billing.bills.metered_lines import FINAL
from billing.models import BillingAccount, DailyUsage, LateRecord, LateUsage, UsageRecord
from billing.plans.measures import Measured, kind_of, measures_of
from billing.stripe_billing.stored import line_quantity, line_unit_minor
from billing.tokens import TokenClass

# Records are read in chunks, each by a query of its own, so that no cursor is held while a client downloads.
CHUNK = 2000
Classes = frozenset[TokenClass]


class InvoiceNotFinal(Exception):
    """The invoice is a draft: its usage may still change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRecord:
    """A request and those of its token classes that the invoice bills. `late` where by an item of late usage."""

    record: UsageRecord
    classes: Classes
    late: bool


def final_invoice(*, account: BillingAccount, invoice_id: str) -> Mapping[str, Any]:
    """Return Stripe's data of a final invoice of the account's. Raises InvoiceNotFound, InvoiceNotFinal."""
    customer_id = account.stripe_customer_id
    invoice = Invoice.objects.filter(customer__id=customer_id, id=invoice_id).first() if customer_id else None
    if invoice is None:
        raise InvoiceNotFound
    if invoice.stripe_data["status"] not in FINAL:
        raise InvoiceNotFinal("This invoice is a draft. Its records can be told once it is final.")
    data: Mapping[str, Any] = invoice.stripe_data
    return data


def late_items(*, account: BillingAccount, data: Mapping[str, Any]) -> dict[str, LateUsage]:
    """Return the late usage on an invoice, by the id of its invoice item."""
    ids = {item_id(line) for line in line_data(data)} - {""}
    rows = LateUsage.objects.filter(organization_id=account.organization_id, stripe_invoice_item_id__in=ids)
    return {row.stripe_invoice_item_id: row for row in rows.select_related("plan").order_by("id")}


def item_id(line: Mapping[str, Any]) -> str:
    """Return the id of the invoice item that made a line; nothing for a subscription's own line."""
    parent = line.get("parent") or {}
    return str((parent.get("invoice_item_details") or {}).get("invoice_item") or "")


def billed_records(
    *, account: BillingAccount, data: Mapping[str, Any], late: Mapping[str, LateUsage]
) -> Iterator[list[BilledRecord]]:
    """Yield the requests that an invoice bills, in chunks: metered ones by period, then those that were late.

    Of usage that an item bills because its own invoice lacked it, every request of that period is told: the rest of
    their tokens stands on another invoice.
    """
    for period, classes in sorted(_metered(account, data=data, late=late).items()):
        yield from _records_of(account, period=period, classes=classes)
    changed = [row.id for row in late.values() if row.reason == LateUsage.Reason.CHANGED]
    yield from _late_records(changed)


def _metered(
    account: BillingAccount, *, data: Mapping[str, Any], late: Mapping[str, LateUsage]
) -> dict[datetime, dict[Terms, Classes]]:
    """Return the periods, terms and token classes of which the invoice has a line, or an item of what was missed."""
    missed = {(kind_of(row), row.period_starts_at) for row in late.values() if row.reason == LateUsage.Reason.MISSED}
    found: dict[datetime, dict[Terms, Classes]] = defaultdict(dict)
    for billed in billed_usage(account=account, usage=_paid_usage(account)):
        if data["id"] in billed.on_invoices or (billed.kind, billed.period_starts_at) in missed:
            of_period = found[billed.period_starts_at]
            for terms in billed.terms:
                of_period[terms] = of_period.get(terms, frozenset()) | _classes(billed.kind.token_class)
    return found


def _classes(token_class: str) -> Classes:
    """Return the token classes that a kind of usage counts: by spend all of them."""
    return frozenset({TokenClass(token_class)} if token_class else TokenClass)


def _paid_usage(account: BillingAccount) -> Used:
    usage: dict[tuple[Terms, datetime], list[Measured]] = defaultdict(list)
    paid = DailyUsage.objects.filter(organization_id=account.organization_id, trial=False)
    for row in paid.order_by("id").iterator(chunk_size=CHUNK):
        usage[((row.plan_id, row.priced_at, row.model), row.period_starts_at)] += measures_of(row)
    return usage


def _records_of(
    account: BillingAccount, *, period: datetime, classes: Mapping[Terms, Classes]
) -> Iterator[list[BilledRecord]]:
    of_terms = Q()
    for plan_id, priced_at, model in classes:
        of_terms |= Q(plan_id=plan_id, priced_at=priced_at, model=model)
    rows = UsageRecord.objects.filter(
        of_terms,
        organization_id=account.organization_id,
        period_starts_at=period,
        state=UsageRecord.State.SETTLED,
        trial=False,
        posted_at__isnull=False,
    ).exclude(Exists(LateRecord.objects.filter(record_id=OuterRef("id"))))
    after_id = 0
    while records := list(rows.filter(id__gt=after_id).order_by("id")[:CHUNK]):
        after_id = records[-1].id
        yield [
            BilledRecord(record=record, classes=classes[(record.plan_id, record.priced_at, record.model)], late=False)
            for record in records
        ]


def _late_records(late_usage_ids: list[int]) -> Iterator[list[BilledRecord]]:
    rows = LateRecord.objects.filter(late_usage_id__in=late_usage_ids).select_related("record", "late_usage")
    after_id = 0
    while parts := list(rows.filter(id__gt=after_id).order_by("id")[:CHUNK]):
        after_id = parts[-1].id
        yield [
            BilledRecord(record=part.record, classes=_classes(part.late_usage.token_class), late=True) for part in parts
        ]


def exact_units(line: Mapping[str, Any]) -> tuple[int, Decimal]:
    """Return a usage line's tokens or units of spend, and the cents of one, as Stripe tells them."""
    return int(line_quantity(line)), line_unit_minor(line) or Decimal(0)
