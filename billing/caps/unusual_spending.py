"""Unusual spending: a day on which an organization spends many times what it usually does.

It may be a stolen key, a loop in a program, or a success. Owners and admins are mailed, once a day, and the operator's
log has a warning: usage is billed afterwards, so the operator lends what is spent until then.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.conf import settings
from django.db.models import QuerySet

from billing.mail.spending import tell_of_unusual_spending
from billing.models import BillingAccount, DailyUsage
from billing.money import CENTS_PER_DOLLAR, EXACT, format_exact

logger = logging.getLogger(__name__)

USUAL_DAYS = 14
BATCH = 500


def find_unusual_spending(*, now: datetime) -> int:
    """Tell of the organizations whose spending of this UTC day is unusual, and return how many. `now` is billing time.

    It is above UNUSUAL_SPEND_FROM, and more than UNUSUAL_SPEND_FACTOR times the mean of the two weeks before.
    """
    if not settings.UNUSUAL_SPEND_FACTOR:
        return 0
    found = 0
    for organization_ids in _paying():
        for organization_id, spent, usual in _unusual(organization_ids, day=now.date()):
            found += 1
            logger.warning(
                "unusual spending",
                extra={"organization_id": organization_id, "spent": format_exact(spent), "usual": format_exact(usual)},
            )
            tell_of_unusual_spending(
                organization_id=organization_id, day=now.date(), spent_minor=spent, usual_minor=usual
            )
    return found


def _paying() -> Iterator[list[int]]:
    """Yield the organizations that pay, in batches."""
    accounts = BillingAccount.objects.exclude(status=BillingAccount.Status.TRIAL).order_by("id")
    ids = accounts.values_list("organization_id", flat=True).iterator(chunk_size=BATCH)
    while batch := list(islice(ids, BATCH)):
        yield batch


def _unusual(organization_ids: Collection[int], *, day: date) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Yield organizations with what they spent today, and what they usually spend a day, in cents."""
    least = Decimal(settings.UNUSUAL_SPEND_FROM * CENTS_PER_DOLLAR)
    paid = DailyUsage.objects.filter(organization_id__in=organization_ids, trial=False)
    today = {key: spent for key, spent in _sums(paid.filter(day=day)).items() if spent > least}
    before = paid.filter(organization_id__in=today, day__lt=day, day__gte=day - timedelta(days=USUAL_DAYS))
    sums = _sums(before) if today else {}
    for organization_id, spent in sorted(today.items()):
        usual = EXACT.divide(sums.get(organization_id, Decimal(0)), Decimal(USUAL_DAYS))
        if spent > EXACT.multiply(usual, Decimal(settings.UNUSUAL_SPEND_FACTOR)):
            yield organization_id, spent, usual


def _sums(usage: QuerySet[DailyUsage]) -> dict[int, Decimal]:
    # Added here: on SQLite exact amounts are text.
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for organization_id, cost in usage.order_by("id").values_list("organization_id", "cost_minor"):
        sums[organization_id] = EXACT.add(sums[organization_id], cost)
    return sums
