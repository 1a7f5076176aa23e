"""Subscriptions as a business sees them: recurring revenue, trials, conversion, churn."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q
from djstripe.models import Subscription

from accounts.models import Organization
from billing.models import BillingAccount, Plan, PlanVersion
from billing.money import to_cents

Status = BillingAccount.Status
PAYING = [Status.ACTIVE, Status.PAST_DUE]
# Somebody who signed up within this time has had the time to decide, most of them.
COHORT = timedelta(days=90)
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """Counts of customers, and the base prices of a month in cents. Shares are percent; None of nothing."""

    mrr_minor: int
    active: int
    overdue: int
    suspended: int
    trials: int
    signed_up: int
    converted: int
    ended: int
    began: int

    @property
    def conversion(self) -> int | None:
        """The share of the sign-ups of COHORT that have a subscription now."""
        return round(100 * self.converted / self.signed_up) if self.signed_up else None

    @property
    def churn(self) -> int | None:
        """The share of the subscriptions of a month ago that ended since."""
        before = self.active + self.overdue + self.suspended - self.began + self.ended
        return round(100 * self.ended / before) if before > 0 else None


def customers(*, now: datetime) -> Customers:
    """Return the counts at `now`, in billing time."""
    open_accounts = BillingAccount.objects.filter(organization__closed_at=None)
    statuses = dict(open_accounts.order_by().values_list("status").annotate(Count("id")))
    recent = Organization.objects.filter(created_at__gte=now - COHORT)
    cohort = recent.aggregate(all=Count("id"), paying=Count("id", filter=Q(billing_account__status__in=PAYING)))
    since = int((now - MONTH).timestamp())
    subscriptions = Subscription.objects.order_by()
    before = subscriptions.filter(stripe_data__start_date__lt=since)
    return Customers(
        mrr_minor=_mrr_minor(),
        active=statuses.get(Status.ACTIVE, 0),
        overdue=statuses.get(Status.PAST_DUE, 0),
        suspended=statuses.get(Status.SUSPENDED, 0) + statuses.get(Status.DISPUTED, 0),
        trials=statuses.get(Status.TRIAL, 0),
        signed_up=cohort["all"],
        converted=cohort["paying"],
        ended=before.exclude(stripe_data__ended_at=None).filter(stripe_data__ended_at__gte=since).count(),
        began=subscriptions.filter(stripe_data__start_date__gte=since, stripe_data__ended_at=None).count(),
    )


def _mrr_minor() -> int:
    """Return the base prices that paying subscribers are charged each month."""
    groups = BillingAccount.objects.filter(status__in=PAYING, cancel_at=None).order_by()
    counted = groups.values_list("plan_id", "priced_at").annotate(count=Count("id"))
    versions = PlanVersion.objects.values_list("plan_id", "priced_at", "base_price")
    bases = {(plan_id, priced_at): base for plan_id, priced_at, base in versions}
    plans = dict(Plan.objects.values_list("id", "base_price"))
    total = sum(
        (count * bases.get((plan_id, priced_at), plans[plan_id]) for plan_id, priced_at, count in counted), Decimal(0)
    )
    return int(to_cents(total))
