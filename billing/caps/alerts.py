"""Alerts: a mail to owners and admins when a share of a spending cap is used, once a period for each share.

A task looks at the caps every half minute. No request waits for it.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.caps.alert_mail import AlertNotMailed, mail_alert
from billing.caps.thresholds import ReachedThreshold, reached_thresholds
from billing.models import BillingAccount, SpendingAlert

BATCH = 500
# A process that takes an alert has this long to mail it. Then another tries, for a day.
LEASE = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=1)


def alerts_of(*, organization_id: int, since: datetime) -> QuerySet[SpendingAlert]:
    """Return the alerts about spending that began at `since` or later, newest first."""
    alerts = SpendingAlert.objects.filter(organization_id=organization_id, spending_starts_at__gte=since)
    return alerts.select_related("api_key").order_by("-id")


def raise_alerts(*, now: datetime) -> int:
    """Raise an alert for each cap that newly reached a threshold, and return their number. `now` is billing time.

    Of several thresholds reached since the last look, the highest is alerted. Running twice at once changes nothing.
    """
    raised = 0
    for accounts in _capped_accounts():
        reached = list(reached_thresholds(accounts, now=now))
        told = _highest_alerted({each.organization_id for each in reached})
        new = [_alert(each, now=now) for each in reached if each.percent > told.get(each.cap, 0)]
        SpendingAlert.objects.bulk_create(new, ignore_conflicts=True)
        raised += len(new)
    return raised


def mail_alerts() -> int:
    """Mail the alerts that are due, each taken by one process, and return how many were mailed."""
    at = timezone.now()
    due = SpendingAlert.objects.filter(mailed_at=None, next_attempt_at__lte=at, created_at__gt=at - GIVE_UP_AFTER)
    oldest = due.select_related("organization", "api_key").order_by("id")[:BATCH]
    mailed = 0
    for alert in oldest:
        if _take(alert, at=at) and _mail(alert):
            mailed += 1
    return mailed


def _capped_accounts() -> Iterator[Sequence[BillingAccount]]:
    capped = BillingAccount.objects.filter(Q(cap_minor__isnull=False) | Q(has_key_caps=True))
    rows = capped.order_by("id").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield batch


def _highest_alerted(organization_ids: Collection[int]) -> dict[tuple[object, ...], int]:
    """Return the highest threshold that was alerted, by cap, for these organizations."""
    told: dict[tuple[object, ...], int] = {}
    columns = ("organization_id", "api_key_id", "spending_starts_at", "cap_minor", "percent")
    for *cap, percent in SpendingAlert.objects.filter(organization_id__in=organization_ids).values_list(*columns):
        told[tuple(cap)] = max(percent, told.get(tuple(cap), 0))
    return told


def _alert(reached: ReachedThreshold, *, now: datetime) -> SpendingAlert:
    return SpendingAlert(
        organization_id=reached.organization_id,
        api_key_id=reached.api_key_id,
        spending_starts_at=reached.spending_starts_at,
        cap_minor=reached.cap_minor,
        percent=reached.percent,
        spent_minor=reached.spent_minor,
        raised_at=now,
    )


def _take(alert: SpendingAlert, *, at: datetime) -> bool:
    """Lease an alert. Returns False if another process has taken it."""
    untaken = SpendingAlert.objects.filter(id=alert.id, mailed_at=None, next_attempt_at=alert.next_attempt_at)
    return bool(untaken.update(next_attempt_at=at + LEASE))


def _mail(alert: SpendingAlert) -> bool:
    try:
        mail_alert(alert)
    except AlertNotMailed:
        return False  # another attempt follows the lease
    SpendingAlert.objects.filter(id=alert.id).update(mailed_at=timezone.now())
    return True
