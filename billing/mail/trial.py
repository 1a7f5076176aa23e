"""Notices of the free trial: nearly used, and used up.

A task looks for them, as for spending alerts, so that no request waits for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from billing.mail.notices import Kind, tell_each
from billing.models import BillingAccount, Notice, Plan, UsageRecord
from common.letters import Letter, Link

# Of the 50 requests of a new installation these are 40 and 50.
PERCENTS = (80, 100)
# Trials that nobody uses any more are not told, as when an operator changes the number of requests.
NEWS_FOR = timedelta(days=1)
BATCH = 500


def tell_of_trials(*, now: datetime) -> int:
    """Have organizations told whose trial has reached a share, each once; return how many. `now` is billing time.

    Of several shares reached since the last look the highest is told.
    """
    requests = Plan.objects.get(is_trial=True).trial_requests
    below, told = None, 0
    for percent in sorted(PERCENTS, reverse=True):
        used = -(-requests * percent // 100)
        if requests:
            told += _tell(_reached(used, below=below, occasion=_occasion(used, requests), now=now), used, requests)
        below = used
    return told


def trial_letter(facts: Mapping[str, Any]) -> Letter:
    """Compose the mail about a trial."""
    used, requests = facts["used"], facts["requests"]
    used_up = used >= requests
    after = "Requests are refused from now on" if used_up else "After that, requests are refused"
    return Letter(
        subject=f"The free trial of {facts['organization']} is {'used up' if used_up else 'nearly used up'}",
        paragraphs=[
            f"{facts['organization']} has used {used} of its {requests} free requests. "
            f"{after}, until you subscribe to a plan. Your keys stay as they are."
        ],
        rows=[("Free requests used", f"{used} of {requests}")],
        link=Link(label="Choose a plan", path="/pricing/"),
    )


def _reached(used: int, *, below: int | None, occasion: str, now: datetime) -> QuerySet[BillingAccount]:
    """Return the accounts that used so many requests lately and were not told. None of their requests still runs.

    A request that runs counts as used, and is given back where it fails.
    """
    of_theirs = UsageRecord.objects.filter(organization_id=OuterRef("organization_id"))
    told = Notice.objects.filter(organization_id=OuterRef("organization_id"), kind=Kind.TRIAL, occasion=occasion)
    accounts = BillingAccount.objects.filter(status=BillingAccount.Status.TRIAL, trial_used__gte=used)
    if below is not None:
        accounts = accounts.filter(trial_used__lt=below)
    running = of_theirs.filter(posted_at__isnull=True, state=UsageRecord.State.OPEN)
    return accounts.filter(
        ~Exists(told), Exists(of_theirs.filter(begun_at__gt=now - NEWS_FOR)), ~Exists(running)
    ).order_by("id")


def _tell(accounts: QuerySet[BillingAccount], used: int, requests: int) -> int:
    organization_ids = list(accounts.values_list("organization_id", flat=True)[:BATCH])
    facts = {"used": used, "requests": requests}
    tell_each(organization_ids, kind=Kind.TRIAL, occasion=_occasion(used, requests), facts=facts)
    return len(organization_ids)


def _occasion(used: int, requests: int) -> str:
    return f"{used} of {requests}"
