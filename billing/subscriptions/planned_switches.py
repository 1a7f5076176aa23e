"""Switches of plan at renewal: asked for at any time, and made once the new period runs and the old one is invoiced.

The base of the new period is prorated from its first instant, so the customer pays what the new plan costs from the
renewal on. Tokens used between the renewal and the switch are billed at the old plan's prices.
"""

import logging
from datetime import datetime

from django.db.models import F, QuerySet

from accounts.audit import AuditEvent, note_change
from billing.metering.flush import UsageNotSent
from billing.models import BillingAccount, InvoiceHold, Plan, PlannedSwitch
from billing.plans.versions import PlanNotPublished, version_to_sell
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.stripe_billing.drafts import has_draft
from billing.subscriptions.changing import ChangeUnderway, SubscriptionChanged, how_it_is
from billing.subscriptions.plan_changes import NothingToChange, NotSubscribed, change_plan

logger = logging.getLogger(__name__)

# After these the same attempt may be made again, and succeed.
FOR_NOW = (UsageNotSent, ChangeUnderway, StripeUnavailable)
FOR_GOOD = (NotSubscribed, NothingToChange, PlanNotPublished, SubscriptionChanged, StripeRejected)


def plan_switch(*, account: BillingAccount, plan: Plan) -> PlannedSwitch:
    """Have the account change to `plan` when its period is over, in place of another plan it had planned for.

    Raises NotSubscribed, NothingToChange, SubscriptionChanged, PlanNotPublished.
    """
    if not account.stripe_subscription_id:
        raise NotSubscribed("There is no subscription yet. Subscribe to a plan first.")
    if account.plan_id == plan.id:
        raise NothingToChange(f"The subscription is to {plan} already.")
    if account.cancel_at is not None:
        raise SubscriptionChanged(f"It is not renewed: {how_it_is(account)}")
    version_to_sell(plan=plan)
    planned, _ = PlannedSwitch.objects.update_or_create(
        account=account,
        defaults={
            "stripe_subscription_id": account.stripe_subscription_id,
            "plan": plan,
            "renews_at": account.period_ends_at,
        },
    )
    note_change(
        AuditEvent.SWITCH_PLANNED,
        organization_id=account.organization_id,
        detail=f"from {account.plan} to {plan} on {planned.renews_at:%-d %b %Y}",
    )
    return planned


def forget_planned_switch(*, account: BillingAccount) -> bool:
    """Stay on the present plan at renewal. Returns False if nothing was planned."""
    forgotten, _ = PlannedSwitch.objects.filter(account=account).delete()
    if forgotten:
        note_change(AuditEvent.SWITCH_TAKEN_BACK, organization_id=account.organization_id)
    return bool(forgotten)


def planned_switch_of(account: BillingAccount) -> PlannedSwitch | None:
    """Return the switch that waits for the account's renewal, read along with the account or else by a query."""
    planned: PlannedSwitch | None = getattr(account, "planned_switch", None)
    ours = planned is not None and planned.stripe_subscription_id == account.stripe_subscription_id
    return planned if ours else None


def switch_what_was_renewed(*, now: datetime) -> int:
    """Make the switches whose period is over and invoiced; return how many were made. `now` is billing time.

    One that Stripe refuses for good, as for a declined card, is given up: the account keeps its plan.
    """
    made = 0
    for planned in _due():
        made += _switch(planned, now=now)
    return made


def _due() -> QuerySet[PlannedSwitch]:
    """Return the switches whose subscription was renewed, but those that a draft we hold is known to be in the way of.

    A switch whose subscription has ended is not made on the next one.
    """
    drafts = InvoiceHold.objects.filter(released_at__isnull=True).values("organization")
    renewed = PlannedSwitch.objects.filter(account__stripe_period_ends_at__gt=F("renews_at"))
    same = renewed.filter(account__stripe_subscription_id=F("stripe_subscription_id"))
    ours = same.exclude(account__organization__in=drafts).exclude(stripe_subscription_id="")
    return ours.select_related("account__plan", "account__organization", "plan").order_by("id")


def _switch(planned: PlannedSwitch, *, now: datetime) -> bool:
    account = planned.account
    account.enter_period(now=now)
    starts_at = account.period_starts_at.replace(microsecond=0)
    try:
        # Stripe adds a metered item's usage to the draft until that is final, so the item stays until then. A renewal
        # may be known here before its draft is.
        if has_draft(subscription_id=planned.stripe_subscription_id):
            return False
        change_plan(account=account, plan=planned.plan, now=now, at=starts_at)
    except FOR_NOW as error:
        logger.warning("a planned switch waits", extra={"account": account.id, "error": str(error)})
        return False
    except FOR_GOOD as error:
        logger.error("a planned switch was given up", extra={"account": account.id, "error": str(error)})
        PlannedSwitch.objects.filter(id=planned.id).delete()
        note_change(
            AuditEvent.SWITCH_GIVEN_UP, organization_id=account.organization_id, detail=f"to {planned.plan}: {error}"
        )
        return False
    return True
