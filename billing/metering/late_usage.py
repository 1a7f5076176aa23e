"""Late usage: billed at its own price by an invoice item, where no metered item of a subscription bills it.

A request that ends after its plan was changed or canceled was served at terms that are the account's no more: Stripe
has removed the item of its meter, or bills that meter at another price. Of a subscription that ended, that is so even
where another to the same plan has begun since. So its usage goes to no meter. It waits until
the last request of those terms has ended, and becomes one invoice item for each model and token class, or one by spend,
since Stripe rounds every item to whole cents. The next invoice takes it up; a customer without a subscription gets an
invoice of its own. A switch between two plans by spend leaves their meter and its price, so nothing is late there.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from djstripe.models import Subscription

from billing.bulk_rows import update_rows
from billing.mail.late_usage import tell_of_late_usage
from billing.metering.discrepancies import open_discrepancy
from billing.models import BillingAccount, Discrepancy, LateRecord, LateUsage, UsageRecord
from billing.plans.measures import Kind, Measured, kind_of, measures_of
from billing.plans.price_lists import PriceList, price_list
from billing.stripe_billing import late_usage as stripe_late_usage
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

State, Reason = LateUsage.State, LateUsage.Reason
LEASE = timedelta(seconds=90)
RETRY_PAUSE = timedelta(seconds=15)
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Usage under one price list that is late, of the period that its records count to: of one record, or of many."""

    organization_id: int
    plan_id: int
    priced_at: datetime
    measured: Sequence[Measured]
    reason: LateUsage.Reason
    used_at: datetime
    period_starts_at: datetime
    record_id: int | None = None


def late_among(records: Sequence[UsageRecord]) -> set[int]:
    """Return the ids of billable records whose terms are no longer those of their account.

    One that ended before the planned end of its subscription is not late: the last invoice, a draft by now, takes it.
    One that its price list does not price is left to its meter, which bills it or shows an admin why not.
    """
    billable = [record for record in records if record.state == UsageRecord.State.SETTLED and not record.trial]
    rows = BillingAccount.objects.filter(organization_id__in={record.organization_id for record in billable})
    read = rows.only(
        "organization_id",
        "plan_id",
        "priced_at",
        "cancel_at",
        "status",
        "stripe_subscription_id",
        "subscription_began_at",
    )
    accounts = {row.organization_id: row for row in read}
    late = [record for record in billable if _is_late(record, account=accounts.get(record.organization_id))]
    return {record.id for record in late if record.model in _prices_of(record).rates}


def _is_late(record: UsageRecord, *, account: BillingAccount | None) -> bool:
    if account is None:
        return False
    assert record.settled_at  # noqa: S101 - a constraint of the table
    assert record.period_starts_at  # noqa: S101 - likewise
    if account.subscription_began_at and record.period_starts_at < account.subscription_began_at:
        return True  # also at equal terms: the meters of a new subscription count from its beginning
    if (account.plan_id, account.priced_at) == (record.plan_id, record.priced_at):
        return False
    ended_at = account.cancel_at if account.status == BillingAccount.Status.TRIAL else None
    ended = ended_at is not None and record.settled_at < ended_at
    return not ended and not _has_same_meter(record, account=account)


def _has_same_meter(record: UsageRecord, *, account: BillingAccount) -> bool:
    """Tell whether a record of a plan by spend ended while the account's subscription had the meter of spend.

    Another plan by spend, or other prices, leave that meter and its price as they are.
    """
    by_spend = _prices_of(record).by_spend and _prices_of(account).by_spend
    if not by_spend or account.status == BillingAccount.Status.TRIAL:
        return False
    stored = (
        Subscription.objects.filter(id=account.stripe_subscription_id).values_list("stripe_data", flat=True).first()
    )
    items = stored["items"]["data"] if stored else []
    since = [item["created"] for item in items if item["price"]["recurring"]["usage_type"] == "metered"]
    assert record.settled_at  # noqa: S101 - a constraint of the table
    return bool(since) and int(record.settled_at.timestamp()) >= min(since)


def unmetered_of(**conditions: object) -> dict[tuple[str, datetime], int]:
    """Return the late quantities that are in no meter event, of rows that meet the conditions, by meter and period."""
    totals: dict[tuple[str, datetime], int] = defaultdict(int)
    for row in LateUsage.objects.filter(**conditions, reason=Reason.CHANGED).order_by("id"):
        totals[(kind_of(row).event_name, row.period_starts_at)] += row.quantity
    return totals


def late_of(record: UsageRecord) -> Late:
    """Return the usage of a record that ended after its plan was changed or canceled."""
    assert record.settled_at  # noqa: S101 - a constraint of the table
    assert record.period_starts_at  # noqa: S101 - likewise
    return Late(
        organization_id=record.organization_id,
        plan_id=record.plan_id,
        priced_at=record.priced_at,
        measured=measures_of(record),
        reason=Reason.CHANGED,
        used_at=record.settled_at,
        period_starts_at=record.period_starts_at,
        record_id=record.id,
    )


def add_late_usage(usages: Sequence[Late]) -> None:
    """Add late usage to the pending rows of its kind, inside the caller's transaction, which commits with it.

    The caller holds the posting lock, which keeps others from these rows.
    """
    organization_ids = {usage.organization_id for usage in usages}
    if not organization_ids:
        return
    bills = dict(
        BillingAccount.objects.filter(organization_id__in=organization_ids).values_list(
            "organization_id", "period_starts_at"
        )
    )
    waiting = LateUsage.objects.select_for_update().filter(organization_id__in=organization_ids, state=State.PENDING)
    rows = {_key(row): row for row in waiting.order_by("id")}
    parts: list[tuple[LateUsage, int]] = []
    for usage in usages:
        bill_starts_at = max(bills[usage.organization_id], usage.period_starts_at)
        for measured in usage.measured:
            new = _new_row(usage, kind=measured.kind, bill_starts_at=bill_starts_at)
            row = rows.setdefault(_key(new), new)
            _add(usage, quantity=measured.quantity, row=row)
            parts += [(row, usage.record_id)] if usage.record_id else []
    update_rows([row for row in rows.values() if row.pk], fields=["quantity", "first_at", "last_at"])
    LateUsage.objects.bulk_create([row for row in rows.values() if not row.pk])
    LateRecord.objects.bulk_create([LateRecord(late_usage=row, record_id=record_id) for row, record_id in parts])


def _key(row: LateUsage) -> tuple[object, ...]:
    names = ("organization_id", "plan_id", "priced_at", "model", "token_class", "reason")
    return (*(getattr(row, name) for name in names), row.period_starts_at, row.bill_starts_at)


def _new_row(usage: Late, *, kind: Kind, bill_starts_at: datetime) -> LateUsage:
    return LateUsage(
        organization_id=usage.organization_id,
        plan_id=usage.plan_id,
        priced_at=usage.priced_at,
        model=kind.model,
        token_class=kind.token_class,
        unit_minor=kind.unit_minor,
        quantity=0,
        reason=usage.reason,
        first_at=usage.used_at,
        last_at=usage.used_at,
        period_starts_at=usage.period_starts_at,
        bill_starts_at=bill_starts_at,
        identifier=f"rgent-late-{uuid.uuid4().hex}",
        next_attempt_at=timezone.now(),
    )


def _prices_of(source: UsageRecord | BillingAccount) -> PriceList:
    return price_list(plan_id=source.plan_id, priced_at=source.priced_at)


def _add(usage: Late, *, quantity: int, row: LateUsage) -> None:
    row.quantity += quantity
    row.first_at, row.last_at = min(row.first_at, usage.used_at), max(row.last_at, usage.used_at)


def bill_late_usage(*, now: datetime) -> int:
    """Make the invoice items that are due, and the last invoices of canceled customers; return how many items.

    `now` is billing time. Rows are leased, so it may run twice at once.
    """
    made = 0
    try:
        for row in _lease(now=now):
            made += _make_item(row)
        _invoice_canceled()
    except StripeUnavailable as error:
        logger.warning("Stripe did not take late usage", extra={"error": str(error)})
    return made


def _due() -> QuerySet[LateUsage]:
    """Return the usage that may be billed: none that a request still running could add to."""
    running = UsageRecord.objects.filter(
        posted_at__isnull=True,
        organization_id=OuterRef("organization_id"),
        plan_id=OuterRef("plan_id"),
        priced_at=OuterRef("priced_at"),
        begun_at__lte=OuterRef("first_at"),
    )
    waiting = LateUsage.objects.filter(state__in=[State.PENDING, State.SENDING], next_attempt_at__lte=timezone.now())
    return waiting.exclude(Exists(running), state=State.PENDING, reason=Reason.CHANGED)


@transaction.atomic
def _lease(*, now: datetime) -> list[LateUsage]:
    due = _due().order_by("next_attempt_at", "id")
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    rows = list(due[:BATCH])
    for row in rows:
        row.state, row.attempts = State.SENDING, row.attempts + 1
        row.first_sent_at = row.first_sent_at or now
        row.next_attempt_at = timezone.now() + LEASE
    update_rows(rows, fields=["state", "attempts", "first_sent_at", "next_attempt_at"])
    tell_of_late_usage(row for row in rows if row.attempts == 1)
    return rows


def _make_item(row: LateUsage) -> bool:
    """Make the invoice item of a leased row; return whether Stripe has it. Raises StripeUnavailable."""
    account = BillingAccount.objects.get(organization_id=row.organization_id)
    try:
        item_id = _find_or_create(row, customer_id=account.stripe_customer_id)
    except StripeUnavailable as error:
        _leased(row).update(next_attempt_at=timezone.now() + RETRY_PAUSE, last_error=str(error)[:500])
        raise
    except StripeRejected as error:
        _reject(row, error=str(error))
        return False
    _leased(row).update(state=State.ITEM_MADE, stripe_invoice_item_id=item_id, last_error="")
    return True


def _find_or_create(row: LateUsage, *, customer_id: str) -> str:
    assert row.first_sent_at  # noqa: S101 - the lease sets it
    if row.attempts > 1:
        since = row.first_sent_at - timedelta(minutes=5)
        found = stripe_late_usage.find_invoice_item(
            customer_id=customer_id, identifier=row.identifier, made_since=since
        )
        if found:
            return found
    return stripe_late_usage.create_invoice_item(
        customer_id=customer_id,
        identifier=row.identifier,
        description=row.description,
        currency=row.plan.currency,
        quantity=row.quantity,
        unit_minor=row.unit_minor,
        starts_at=row.first_at,
        ends_at=row.last_at,
    )


def _leased(row: LateUsage) -> QuerySet[LateUsage]:
    return LateUsage.objects.filter(id=row.id, state=State.SENDING)


@transaction.atomic
def _reject(row: LateUsage, *, error: str) -> None:
    """Stop trying, and show an admin the usage that is not billed."""
    if _leased(row).update(state=State.REJECTED, last_error=error[:500]):
        open_discrepancy(
            organization_id=row.organization_id,
            kind=Discrepancy.Kind.LATE_USAGE_REJECTED,
            subject=row.identifier,
            period_starts_at=row.period_starts_at,
            expected=row.quantity,
            detail=error,
        )


def _invoice_canceled() -> None:
    """Invoice the items of organizations without a subscription: there is no next invoice to take them up.

    Raises StripeUnavailable.
    """
    accounts = BillingAccount.objects.filter(status=BillingAccount.Status.TRIAL)
    made, unmade = (
        Exists(LateUsage.objects.filter(organization_id=OuterRef("organization_id"), state__in=states))
        for states in ([State.ITEM_MADE], [State.PENDING, State.SENDING])
    )
    for account in accounts.filter(made).exclude(unmade).order_by("id"):
        rows = LateUsage.objects.filter(organization_id=account.organization_id, state=State.ITEM_MADE).order_by("id")
        identifiers = list(rows.values_list("identifier", flat=True))
        try:
            invoice_id = stripe_late_usage.invoice_pending_items(
                customer_id=account.stripe_customer_id, idempotency_key=f"{identifiers[0]}-invoice"
            )
        except StripeRejected as error:
            logger.error("Stripe refused a last invoice", extra={"account": account.id, "error": str(error)})
            continue
        rows.filter(identifier__in=identifiers).update(state=State.INVOICED, stripe_invoice_id=invoice_id)
