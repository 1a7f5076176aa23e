"""Changing a subscription: switching its plan, ending it, and taking the end back.

Stripe's own portal cannot switch plans with metered prices, so this is the only way. Each change is made at Stripe
first and then applied here from Stripe's answer, as a webhook would apply it. A failure leaves both sides as they were,
or the webhook catches up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.audit import AuditEvent, note_change
from billing.bills.invoices import InvoiceLine, lines_of
from billing.metering.flush import UsageNotSent, flush_usage, let_usage_be_past
from billing.models import BillingAccount, Plan, PlannedSwitch, PlanVersion
from billing.plans.versions import metered_price_ids, version_to_sell
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.stripe_billing.drafts import has_draft
from billing.subscriptions.changing import SubscriptionChanged, changing_terms, how_it_is, read_anew, told_what_is_true
from billing.subscriptions.checkout import terms_of
from billing.subscriptions.collecting import collect_what_is_owed
from billing.subscriptions.refreshing import refresh_subscription


class NotSubscribed(Exception):
    """The organization has no subscription to change."""


class NothingToChange(Exception):
    """The subscription is as requested already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChangePreview:
    """The invoice that changing the plan at `at` would make. Amounts are in cents; negative is credit."""

    at: datetime
    lines: tuple[InvoiceLine, ...]
    total_minor: int
    currency: str


def preview_plan(*, account: BillingAccount, plan: Plan, now: datetime) -> PlanChangePreview:
    """Return the invoice that switching to `plan` would make now. Nothing changes, but usage is sent early.

    `now` is billing time.

    Raises NotSubscribed, NothingToChange, SubscriptionChanged, PlanNotPublished, UsageNotSent, StripeUnavailable,
    StripeRejected.
    """
    at = now.replace(microsecond=0)
    version = _version_of_change(account, plan)
    flush_usage(organization_id=account.organization_id, now=now)
    with told_what_is_true(account):
        changes = _changes(account, version)
        invoice: Mapping[str, Any] = stripe_subscriptions.preview_items(
            subscription_id=account.stripe_subscription_id, changes=changes, at=at
        )
    return PlanChangePreview(at=at, lines=lines_of(invoice), total_minor=invoice["total"], currency=invoice["currency"])


def change_plan(*, account: BillingAccount, plan: Plan, now: datetime, at: datetime | None = None) -> None:
    """Switch to `plan` and collect the difference. With the `at` of a preview, the base is prorated as previewed.

    Usage so far is billed at the old plan's prices; that of requests which still run is late usage. Directly after a
    renewal UsageNotSent is raised, until the invoice of the period that ended is final.
    Raises what `preview_plan` raises, PaymentDeclined, ChangeUnderway, SubscriptionChanged.
    """
    read_anew(account)
    version, before = _version_of_change(account, plan), account.plan
    _ensure_previewed(account, at=at, now=now)
    with told_what_is_true(account), changing_terms(account=account, now=now):
        changes = _changes(account, version)
        _ensure_ended_period_is_final(account, changes)
        stripe_subscriptions.change_items(
            subscription_id=account.stripe_subscription_id,
            changes=changes,
            metadata=terms_of(version),
            at=at or now.replace(microsecond=0),
        )
        _apply(account)
    _note(account, AuditEvent.PLAN_SWITCHED, detail=f"from {before} to {plan}")


def cancel_later(*, account: BillingAccount) -> None:
    """Let the subscription end with its period.

    Raises NotSubscribed, SubscriptionChanged, StripeUnavailable, StripeRejected.
    """
    _ensure_subscribed(account)
    with told_what_is_true(account):
        stripe_subscriptions.cancel_at_period_end(subscription_id=account.stripe_subscription_id, wanted=True)
    _apply(account)
    _note(account, AuditEvent.CANCELED, detail=str(account.plan))


def cancel_now(*, account: BillingAccount, now: datetime) -> None:
    """End the subscription at once and bill the usage so far. The base is not refunded.

    Requests that still run are billed by a last invoice. Raises NotSubscribed, UsageNotSent, ChangeUnderway,
    SubscriptionChanged, StripeUnavailable, StripeRejected.
    """
    read_anew(account)
    _ensure_subscribed(account)
    with told_what_is_true(account), changing_terms(account=account, now=now):
        let_usage_be_past(organization_id=account.organization_id, now=now)
        stripe_subscriptions.cancel_subscription(subscription_id=account.stripe_subscription_id)
        _apply(account)
    _note(account, AuditEvent.CANCELED_NOW, detail=str(account.plan))
    collect_what_is_owed(account)


def resume(*, account: BillingAccount) -> None:
    """Take back a planned end.

    Raises NotSubscribed, NothingToChange, SubscriptionChanged, StripeUnavailable, StripeRejected.
    """
    _ensure_subscribed(account)
    if account.cancel_at is None:
        raise NothingToChange("The subscription goes on: it was not canceled.")
    with told_what_is_true(account):
        stripe_subscriptions.cancel_at_period_end(subscription_id=account.stripe_subscription_id, wanted=False)
    _apply(account)
    note_change(AuditEvent.RESUMED, organization_id=account.organization_id, detail=str(account.plan))


def _version_of_change(account: BillingAccount, plan: Plan) -> PlanVersion:
    """Check that the switch is possible, and return the prices of the new plan."""
    _ensure_subscribed(account)
    if account.plan_id == plan.id:
        raise NothingToChange(f"The subscription is to {plan} already.")
    return version_to_sell(plan=plan)


def _ensure_previewed(account: BillingAccount, *, at: datetime | None, now: datetime) -> None:
    """Pass if `at` is of a preview of the present bill. Another instant would prorate the base to the wrong price.

    Raises SubscriptionChanged.
    """
    account.enter_period(now=now)
    if at is not None and not account.period_starts_at.replace(microsecond=0) <= at <= now:
        raise SubscriptionChanged(f"The preview of {at:%-d %b %Y at %H:%M} UTC holds no more: {how_it_is(account)}")


def _ensure_ended_period_is_final(account: BillingAccount, changes: Sequence[Mapping[str, Any]]) -> None:
    """Pass unless a draft needs the items that a switch takes off: Stripe adds late usage to it through them.

    Raises UsageNotSent, StripeUnavailable, StripeRejected.
    """
    takes_off = any(change.get("deleted") for change in changes)
    if takes_off and has_draft(subscription_id=account.stripe_subscription_id):
        raise UsageNotSent(
            "The invoice of the period that has just ended is being made final, which takes about ten minutes. "
            "Nothing was changed: try again after that."
        )


def _changes(account: BillingAccount, version: PlanVersion) -> list[dict[str, Any]]:
    return stripe_subscriptions.item_changes(
        subscription_id=account.stripe_subscription_id,
        base_price_id=version.stripe_base_price_id,
        metered_price_ids=metered_price_ids(version),
    )


def _note(account: BillingAccount, event: AuditEvent, *, detail: str) -> None:
    """Write down a change that ends any plan for the renewal as well."""
    PlannedSwitch.objects.filter(account=account).delete()
    note_change(event, organization_id=account.organization_id, detail=detail)


def _ensure_subscribed(account: BillingAccount) -> None:
    if not account.stripe_subscription_id:
        raise NotSubscribed("There is no subscription yet. Subscribe to a plan first.")


def _apply(account: BillingAccount) -> None:
    refresh_subscription(subscription_id=account.stripe_subscription_id, invoices_of=account.stripe_customer_id)
