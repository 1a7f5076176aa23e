"""The state of a subscription at Stripe, applied to the billing account of its organization."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.audit import AuditEvent, note_change
from accounts.models import Organization
from billing.credits.terms import note_subscription
from billing.customer_webhooks.facts import tell_of_plan_change, tell_of_subscription_end
from billing.mail.invoices import tell_of_suspension
from billing.mail.plans import tell_of_end, tell_of_plan
from billing.models import BillingAccount, Plan, PlanMove, PlannedSwitch, PlanVersion
from billing.money import CENTS_PER_DOLLAR
from billing.periods import Period, period_at
from billing.plans.versions import version_of_subscription
from billing.subscriptions.disputed import is_suspended_by_dispute
from billing.subscriptions.ended_bills import note_ended_bill
from billing.subscriptions.live import Live, live_subscriptions, show_oddities

logger = logging.getLogger(__name__)

Status = BillingAccount.Status
SUBSCRIPTION_FIELDS = [
    "plan",
    "status",
    "priced_at",
    "anchor_at",
    "period_starts_at",
    "period_ends_at",
    "spent_minor",
    "spending_starts_at",
    "stripe_subscription_id",
    "stripe_status",
    "stripe_period_ends_at",
    "subscription_began_at",
    "cancel_at",
    "checkout_session_id",
    "checkout_opened_at",
]


def open_billing_account(*, organization: Organization, now: datetime) -> BillingAccount:
    """Return the billing account of an organization, opened on the free trial if it has none."""
    period = period_at(anchor=now, instant=now)
    account, _ = BillingAccount.objects.get_or_create(
        organization=organization,
        defaults={
            "plan": Plan.objects.get(is_trial=True),
            "anchor_at": now,
            "period_starts_at": period.starts_at,
            "period_ends_at": period.ends_at,
            "spending_starts_at": period.starts_at,
            "cap_minor": _default_cap_minor(),
        },
    )
    return account


def _default_cap_minor() -> Decimal | None:
    """Return the cap of a new account. It limits what a new customer, who may never pay, can spend."""
    return Decimal(settings.DEFAULT_CAP * CENTS_PER_DOLLAR) if settings.DEFAULT_CAP else None


@transaction.atomic
def apply_subscription(*, data: dict[str, Any]) -> bool:
    """Bring a billing account in line with a subscription as Stripe tells it (`stripe_data`).

    May be called any number of times, in any order. Returns False if no organization here has the subscription, or if
    it has ended and another took its place.
    """
    account = BillingAccount.objects.select_for_update().filter(stripe_customer_id=data["customer"]).first()
    if account is None:
        logger.warning("a subscription of no organization here", extra={"subscription": data["id"]})
        return False
    _note_stopped_collection(account, data=data)
    note_subscription(account, data=data)
    live = live_subscriptions(account, told=data)
    show_oddities(account, told=data, live=live)
    if not live:
        return _end_subscription(account, data=data)
    ours = live[0]
    if data["id"] not in {ours.id, account.stripe_subscription_id}:
        return False
    return _enter_subscription(account, ours=ours)


def _enter_subscription(account: BillingAccount, *, ours: Live) -> bool:
    data = ours.data
    items = data["items"]["data"]
    period = _period_of(items)
    cancel_at = _instant(data["cancel_at"]) if data.get("cancel_at") else None
    if _has_ended(account, data=data, cancel_at=cancel_at):
        return True
    before, cancel_at_before, status_before = account.plan, account.cancel_at, account.status
    version = version_of_subscription(subscribed=ours.subscribed, known=(account.plan_id, account.priced_at))
    is_new = account.stripe_subscription_id != data["id"]
    if is_new:
        _begin_subscription(account, period=period)
    elif period.starts_at > account.period_starts_at:  # usage may have moved on before Stripe renews
        account.begin_spending(period=period)
    elif account.plan_id != version.plan_id and not _keeps_bill(account, before=before, version=version):
        account.begin_bill(at=_instant(max(item["created"] for item in items)))
    account.plan_id, account.priced_at = version.plan_id, version.priced_at
    disputed = is_suspended_by_dispute(account.organization_id)
    account.status = Status.DISPUTED if disputed else ours.status
    account.anchor_at = _instant(data["billing_cycle_anchor"])
    account.stripe_subscription_id, account.stripe_status = data["id"], data["status"]
    account.stripe_period_ends_at = period.ends_at
    account.cancel_at = cancel_at
    account.save(update_fields=SUBSCRIPTION_FIELDS)
    if is_new:
        note_change(AuditEvent.SUBSCRIBED, organization_id=account.organization_id, detail=str(account.plan))
    tell_of_plan(account, before=before, cancel_at_before=cancel_at_before)
    tell_of_plan_change(account, before=before)
    if account.status == Status.SUSPENDED and status_before != Status.SUSPENDED:
        tell_of_suspension(account, invoice_id=str(data.get("latest_invoice") or ""))
    return True


def _keeps_bill(account: BillingAccount, *, before: Plan, version: PlanVersion) -> bool:
    """Tell whether usage before a change of plan is yet to be invoiced: the metered item stays, or an admin moves."""
    return (before.by_spend and version.plan.by_spend) or _is_being_moved(account, to=version)


def _is_being_moved(account: BillingAccount, *, to: PlanVersion) -> bool:
    """Tell whether an admin's move makes the change: it invoices nothing at once, so the bill goes on."""
    moving = PlanMove.objects.filter(organization_id=account.organization_id, state=PlanMove.State.MOVING)
    return moving.filter(to_version__plan_id=to.plan_id).exists()


def _begin_subscription(account: BillingAccount, *, period: Period) -> None:
    """Begin the first bill of a subscription. Of another one before it, the spending of its period goes on.

    Else a cap could be spent again by canceling and subscribing anew.
    """
    _drop_planned_switch(account)
    account.checkout_session_id, account.checkout_opened_at = "", None
    account.enter_period(now=period.starts_at)
    starts_at = period.starts_at
    if account.stripe_status:
        starts_at = max(starts_at, account.period_starts_at + timedelta(microseconds=1))
    account.period_starts_at, account.period_ends_at = starts_at, period.ends_at
    account.subscription_began_at = starts_at
    # Stripe tells whole seconds, so the bill may begin before the account was opened: its usage counts to the caps.
    account.spending_starts_at = min(account.spending_starts_at, starts_at)


def _has_ended(account: BillingAccount, *, data: Mapping[str, Any], cancel_at: datetime | None) -> bool:
    """Tell whether the account has left the subscription at its planned end, which Stripe is yet to carry out."""
    same = account.stripe_subscription_id == data["id"] and account.cancel_at == cancel_at
    return same and cancel_at is not None and account.status == Status.TRIAL


def _end_subscription(account: BillingAccount, *, data: dict[str, Any]) -> bool:
    if account.stripe_subscription_id != data["id"]:
        return False
    ended_at, before = _instant(data.get("ended_at") or data["created"]), _plan_of(data) or account.plan
    _drop_planned_switch(account)
    if account.status != Status.TRIAL:
        _leave(account, at=ended_at)
    account.stripe_status = data["status"]
    account.stripe_subscription_id, account.stripe_period_ends_at, account.cancel_at = "", None, None
    account.subscription_began_at = None
    account.save(update_fields=SUBSCRIPTION_FIELDS)
    tell_of_end(account, subscription_id=data["id"], before=before, ended_at=ended_at)
    tell_of_subscription_end(account, subscription_id=data["id"], before=before, ended_at=ended_at)
    return True


def _drop_planned_switch(account: BillingAccount) -> None:
    """Forget a switch at renewal of a subscription that is not renewed any more."""
    PlannedSwitch.objects.filter(account=account).delete()


def _plan_of(data: Mapping[str, Any]) -> Plan | None:
    """Return the plan of a subscription's prices: the account may have left it at its planned end."""
    ids = [item["price"]["id"] for item in data["items"]["data"]]
    return Plan.objects.filter(prices__stripe_price_id__in=ids).order_by("id").first()


def _note_stopped_collection(account: BillingAccount, *, data: Mapping[str, Any]) -> None:
    """Have open invoices collected again: Stripe stops that for a customer, whichever subscription was canceled."""
    reason = (data.get("cancellation_details") or {}).get("reason")
    if data["status"] == "canceled" and reason != "payment_failed":
        account.collection_stopped = True
        account.save(update_fields=["collection_stopped"])


def _leave(account: BillingAccount, *, at: datetime) -> None:
    """Be on the trial from `at` on. Before the planned end Stripe may have made no invoice of the bill."""
    if account.cancel_at is None or at < account.cancel_at:
        note_ended_bill(account, ended_at=at)
    account.fall_to_trial(at=at)


def _period_of(items: list[dict[str, Any]]) -> Period:
    """Return the period of the items, which carry it since API version 2025-03-31."""
    return Period(
        starts_at=_instant(max(item["current_period_start"] for item in items)),
        ends_at=_instant(max(item["current_period_end"] for item in items)),
    )


def _instant(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)
