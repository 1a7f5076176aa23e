"""The figures of an organization: plan, access, usage, bill, what is owed, cap, credits, customer at Stripe."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts.models import Organization
from billing.admin.glance.parts import Tile
from billing.bills.current import current_bill
from billing.bills.invoices import OWED, InvoiceSummary
from billing.caps.caps import cap_balance
from billing.caps.meter import cap_meter
from billing.limits.stops import is_stopped
from billing.models import BillingAccount
from billing.money import format_cents, format_exact
from billing.subscriptions.standing import Standing, standing_of
from billing.usage.totals import period_usage

STRIPE_DASHBOARD = "https://dashboard.stripe.com"


def tiles_of(
    organization: Organization, account: BillingAccount | None, *, invoices: Sequence[InvoiceSummary], now: datetime
) -> list[Tile]:
    """Return the figures. `now` is billing time."""
    if account is None:
        return [_access(organization), Tile(label="Billing account", value="None", tone="bad")]
    standing = standing_of(account=account, now=now)
    return [
        _plan(account, standing),
        _access(organization),
        *_usage(account, standing),
        _bill(account, now=now),
        _owed(invoices),
        _cap(account, now=now),
        Tile(label="Credits", value=format_cents(account.credit_minor)),
        _customer(account),
    ]


def at_stripe(kind: str, object_id: str) -> str:
    """Return the address of an object in Stripe's dashboard, or the sandbox's."""
    if settings.SANDBOX:
        return f"{settings.SANDBOX_URL}/dashboard/{kind}/{object_id}"
    return f"{STRIPE_DASHBOARD}{'' if settings.STRIPE_LIVE_MODE else '/test'}/{kind}/{object_id}"


def _plan(account: BillingAccount, standing: Standing) -> Tile:
    ends = f", ends {standing.ends_at:%-d %b %Y}" if standing.ends_at else ""
    return Tile(
        label="Plan",
        value=standing.plan_name,
        detail=f"{standing.status}{ends}",
        tone=standing.tone if standing.tone in {"good", "warn", "bad"} else "",
        link=reverse("admin:billing_billingaccount_change", args=[account.pk]),
    )


def _access(organization: Organization) -> Tile:
    stops = f"{reverse('admin:billing_stop_changelist')}?q={organization.name}"
    if organization.closed_at:
        return Tile(label="Access", value="Closed", detail=f"{organization.closed_at:%-d %b %Y}", tone="bad")
    if is_stopped(organization_id=organization.pk):
        return Tile(label="Access", value="Suspended", detail="Requests are refused", tone="bad", link=stops)
    return Tile(label="Access", value="Open", tone="good")


def _usage(account: BillingAccount, standing: Standing) -> Iterator[Tile]:
    usage = period_usage(organization_id=account.organization_id, period=account.period).total
    days = f"{account.period_starts_at:%-d %b} to {account.period_ends_at:%-d %b %Y}"
    yield Tile(
        label="Used in this period",
        value=format_exact(usage.cost_minor),
        detail=f"{usage.requests:,} requests, {usage.usage.total:,} tokens, {days}",
    )
    if standing.is_trial:
        used = f"{account.trial_used:,} of {standing.trial_requests:,}"
        tone = "warn" if not standing.trial_remaining else ""
        yield Tile(label="Free requests used", value=used, tone=tone)


def _bill(account: BillingAccount, *, now: datetime) -> Tile:
    bill = current_bill(account=account, now=now)
    return Tile(
        label="Bill so far", value=format_cents(bill.charged_minor), detail=f"exactly {bill.exact} before discounts"
    )


def _owed(invoices: Sequence[InvoiceSummary]) -> Tile:
    owed = [invoice for invoice in invoices if invoice.status == OWED and invoice.unpaid_minor > 0]
    total = sum(invoice.unpaid_minor for invoice in owed)
    detail = f"{len(owed)} open {'invoice' if len(owed) == 1 else 'invoices'}" if owed else ""
    return Tile(label="Owed", value=format_cents(total), detail=detail, tone="bad" if owed else "")


def _cap(account: BillingAccount, *, now: datetime) -> Tile:
    balance = cap_balance(account=account, now=now)
    link = reverse("admin:billing_billingaccount_change", args=[account.pk])
    held = f"{format_exact(balance.held_minor)} held"
    if balance.cap_minor is None:
        return Tile(label="Spending cap", value="None", detail=held, link=link)
    meter = cap_meter(balance)
    detail = f"{meter.spent} spent, {held}, {meter.left} left"
    return Tile(label="Spending cap", value=meter.cap, detail=detail, tone=meter.tone, link=link)


def _customer(account: BillingAccount) -> Tile:
    customer_id = account.stripe_customer_id
    if not customer_id:
        return Tile(label="At Stripe", value="No customer yet")
    detail = account.stripe_subscription_id or "no subscription"
    return Tile(label="At Stripe", value=customer_id, detail=detail, link=at_stripe("customers", customer_id))
