"""Alerts: a mail to owners and admins when a share of a spending cap is used, once a period for each share.

A task looks at the caps every half minute. No request waits for it.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import ApiKey, Project
from billing.caps.thresholds import ReachedThreshold, reached_thresholds
from billing.customer_webhooks.events import emit
from billing.customer_webhooks.facts import alert_fact, cap_fact
from billing.mail.spending import tell_of_caps
from billing.models import BillingAccount, SpendingAlert

BATCH = 500


def alerts_of(*, organization_id: int, since: datetime) -> QuerySet[SpendingAlert]:
    """Return the alerts about spending that began at `since` or later, newest first."""
    alerts = SpendingAlert.objects.filter(organization_id=organization_id, spending_starts_at__gte=since)
    return alerts.select_related("api_key", "project").order_by("-id")


def raise_alerts(*, now: datetime) -> int:
    """Raise an alert for each cap that newly reached a threshold, and return their number. `now` is billing time.

    Of several thresholds reached since the last look, the highest is alerted. Running twice at once changes nothing.
    """
    raised = 0
    for accounts in _capped_accounts():
        reached = list(reached_thresholds(accounts, now=now))
        told = _highest_alerted({each.organization_id for each in reached})
        new = [_alert(each, now=now) for each in reached if each.percent > told.get(each.cap, 0)]
        with transaction.atomic():
            SpendingAlert.objects.bulk_create(new, ignore_conflicts=True)
            tell_of_caps(new)
            _tell_systems(reached, alerts=new, now=now)
        raised += len(new)
    return raised


def _tell_systems(reached: Sequence[ReachedThreshold], *, alerts: Sequence[SpendingAlert], now: datetime) -> None:
    """Have customers' systems told of new alerts, and of caps that are used up, whatever shares are alerted."""
    used_up = [each for each in reached if each.used_up]
    told: list[SpendingAlert | ReachedThreshold] = [*alerts, *used_up]
    keys = ApiKey.objects.in_bulk({each.api_key_id for each in told if each.api_key_id})
    projects = Project.objects.in_bulk({each.project_id for each in told if each.project_id})

    def part_of(cap: SpendingAlert | ReachedThreshold) -> ApiKey | Project | None:
        return keys.get(cap.api_key_id or 0) or projects.get(cap.project_id or 0)

    emit(
        *(alert_fact(each, part=part_of(each), percent=each.percent, now=now) for each in alerts),
        *(cap_fact(each, part=part_of(each), now=now) for each in used_up),
    )


def _capped_accounts() -> Iterator[Sequence[BillingAccount]]:
    capped = BillingAccount.objects.filter(Q(cap_minor__isnull=False) | Q(has_key_caps=True))
    rows = capped.order_by("id").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield batch


def _highest_alerted(organization_ids: Collection[int]) -> dict[tuple[object, ...], int]:
    """Return the highest threshold that was alerted, by cap, for these organizations."""
    told: dict[tuple[object, ...], int] = {}
    columns = ("organization_id", "api_key_id", "project_id", "spending_starts_at", "cap_minor", "percent")
    for *cap, percent in SpendingAlert.objects.filter(organization_id__in=organization_ids).values_list(*columns):
        told[tuple(cap)] = max(percent, told.get(tuple(cap), 0))
    return told


def _alert(reached: ReachedThreshold, *, now: datetime) -> SpendingAlert:
    return SpendingAlert(
        organization_id=reached.organization_id,
        api_key_id=reached.api_key_id,
        project_id=reached.project_id,
        spending_starts_at=reached.spending_starts_at,
        cap_minor=reached.cap_minor,
        percent=reached.percent,
        spent_minor=reached.spent_minor,
        raised_at=now,
    )
