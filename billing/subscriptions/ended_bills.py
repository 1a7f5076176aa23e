"""Bills of subscriptions that ended at once, and that Stripe made no invoice of.

Our own way to cancel has Stripe invoice the usage so far. Canceling in Stripe's dashboard need not, and Stripe itself
does not where it gives up an unpaid subscription. Then the usage of the bill is late usage, on a last invoice.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from billing.metering.late_usage import Late, add_late_usage
from billing.metering.posting import block_posting
from billing.models import BillingAccount, DailyUsage, EndedBill, LateUsage, UsageRecord
from billing.plans.measures import Kind, Measured, kind_of, measures_of
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.stripe_billing.collection import was_invoiced

logger = logging.getLogger(__name__)

Terms = tuple[int, datetime]


def note_ended_bill(account: BillingAccount, *, ended_at: datetime) -> None:
    """Have the account's bill looked at, inside the transaction that ends it."""
    EndedBill.objects.get_or_create(
        organization_id=account.organization_id,
        starts_at=account.period_starts_at,
        defaults={"stripe_subscription_id": account.stripe_subscription_id, "ended_at": ended_at},
    )


def bill_what_was_not_invoiced() -> int:
    """Look at the ended bills whose usage is posted, and return how many had no invoice."""
    billed = 0
    for bill in EndedBill.objects.filter(checked_at__isnull=True).order_by("id"):
        try:
            billed += not _is_being_posted(bill) and _look_at(bill)
        except StripeUnavailable as error:
            logger.warning("ended bills wait to be looked at", extra={"error": str(error)})
            break
        except StripeRejected as error:
            logger.error("Stripe does not tell of an ended bill", extra={"bill": str(bill), "error": str(error)})
    return billed


def _is_being_posted(bill: EndedBill) -> bool:
    unposted = UsageRecord.objects.filter(posted_at__isnull=True, organization_id=bill.organization_id)
    return unposted.filter(period_starts_at=bill.starts_at).exists()


def _look_at(bill: EndedBill) -> bool:
    """Bill what has no invoice; return whether that was so. Raises StripeUnavailable, StripeRejected."""
    price_ids = {kind.stripe_price_id for kinds in _metered(bill).values() for kind, used in kinds.items() if used > 0}
    invoiced = not price_ids or was_invoiced(
        subscription_id=bill.stripe_subscription_id, price_ids=price_ids, since=bill.starts_at, at=bill.ended_at
    )
    with transaction.atomic():
        block_posting()
        if not EndedBill.objects.filter(id=bill.id, checked_at__isnull=True).update(checked_at=timezone.now()):
            return False
        if not invoiced:
            add_late_usage([_late(bill, terms, measured) for terms, measured in _metered(bill).items()])
    return not invoiced


def _metered(bill: EndedBill) -> dict[Terms, dict[Kind, int]]:
    """Return the usage of a bill that is not billed as late yet, by plan and price list."""
    usage: dict[Terms, dict[Kind, int]] = defaultdict(lambda: defaultdict(int))
    of_the_bill = {"organization_id": bill.organization_id, "period_starts_at": bill.starts_at}
    for row in DailyUsage.objects.filter(**of_the_bill, trial=False):
        for each in measures_of(row):
            usage[(row.plan_id, row.priced_at)][each.kind] += each.quantity
    for late in LateUsage.objects.filter(**of_the_bill):
        usage[(late.plan_id, late.priced_at)][kind_of(late)] -= late.quantity
    return usage


def _late(bill: EndedBill, terms: Terms, quantities: Mapping[Kind, int]) -> Late:
    plan_id, priced_at = terms
    return Late(
        organization_id=bill.organization_id,
        plan_id=plan_id,
        priced_at=priced_at,
        measured=[Measured(kind, quantity) for kind, quantity in quantities.items() if quantity > 0],
        reason=LateUsage.Reason.MISSED,
        used_at=bill.ended_at,
        period_starts_at=bill.starts_at,
    )
