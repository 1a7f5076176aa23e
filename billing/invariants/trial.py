"""The free trial: what was used of it is what its records say, and its bounds are kept."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, F, Q, Sum

from billing.invariants.breach import Breach
from billing.invariants.spending import account_named
from billing.models import BillingAccount, DailyUsage, Plan, UsageRecord
from billing.tokens import TOKEN_COLUMNS

State = UsageRecord.State


def counted_otherwise() -> Iterator[Breach]:
    """Yield the accounts whose trial counts another number of requests than those that ran or run.

    An account whose mailbox had the trial elsewhere counts it as used.
    """
    served = _requests_served()
    accounts = BillingAccount.objects.select_related("organization").filter(had_trial_before=False)
    for account in accounts.order_by("id").iterator(chunk_size=500):
        if account.trial_used != (expected := served[account.organization_id]):
            detail = f"It counts {account.trial_used} requests of the trial; its records are {expected}."
            yield Breach(row=account_named(account), detail=detail)


def _requests_served() -> Counter[int]:
    """Count the trial's requests that were answered or still run, by organization."""
    answered = F("requests") - F("failed_requests") - F("abandoned_requests")
    posted = DailyUsage.objects.filter(trial=True).values("organization_id").annotate(total=Sum(answered))
    unposted = UsageRecord.objects.filter(trial=True, posted_at__isnull=True, state__in=[State.OPEN, State.SETTLED])
    waiting = unposted.values("organization_id").annotate(total=Count("id"))
    served: Counter[int] = Counter()
    for row in (*posted.order_by("organization_id"), *waiting.order_by("organization_id")):
        served[row["organization_id"]] += row["total"]
    return served


def beyond_its_requests() -> Iterator[Breach]:
    """Yield the accounts that had more free requests than the trial has."""
    for requests in Plan.objects.filter(is_trial=True).values_list("trial_requests", flat=True):
        beyond = BillingAccount.objects.filter(trial_used__gt=requests, had_trial_before=False)
        for account in beyond.select_related("organization").order_by("id"):
            detail = f"It had {account.trial_used} free requests; the trial has {requests}."
            yield Breach(row=account_named(account), detail=detail)


def tokens_otherwise() -> Iterator[Breach]:
    """Yield the accounts whose trial counts other tokens than its records used, or set aside and may have used."""
    tokens = sum((F(name) for name in TOKEN_COLUMNS), start=F("trial_tokens_held") * 0)
    bounded = UsageRecord.objects.filter(trial=True, trial_tokens_held__gt=0).values("organization_id")
    sums = bounded.annotate(
        used=Sum(tokens, filter=Q(state=State.SETTLED), default=0),
        aside=Sum("trial_tokens_held", filter=Q(state__in=[State.OPEN, State.ABANDONED]), default=0),
    )
    expected = {row["organization_id"]: row["used"] + row["aside"] for row in sums.order_by("organization_id")}
    for account in BillingAccount.objects.select_related("organization").order_by("id").iterator(chunk_size=500):
        if account.trial_tokens != (right := expected.get(account.organization_id, 0)):
            detail = f"It counts {account.trial_tokens:,} tokens of the trial; its records are {right:,}."
            yield Breach(row=account_named(account), detail=detail)
