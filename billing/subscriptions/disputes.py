"""Disputed payments: kept as Stripe tells them, shown to an admin, and acted on by the rule of DISPUTES_SUSPEND.

`never` leaves access alone; `lost` takes it away once a dispute is lost; `open` as soon as one begins, until it is won.
Inquiries take no money, and no access.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from djstripe.models import Subscription

from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.models import BillingAccount, Discrepancy, Dispute
from billing.money import format_cents
from billing.stripe_billing.disputes import customer_of_charge
from billing.subscriptions.state import apply_subscription


def keep_dispute(data: Mapping[str, Any]) -> bool:
    """Keep a dispute as Stripe tells it, and act on it. May be called any number of times.

    Returns False where it is about no customer of ours. Raises StripeUnavailable, StripeRejected.
    """
    customer_id = customer_of_charge(charge_id=_id_of(data["charge"]))
    account = BillingAccount.objects.filter(stripe_customer_id=customer_id).first() if customer_id else None
    if account is None:
        return False
    due_by = (data.get("evidence_details") or {}).get("due_by")
    dispute, _ = Dispute.objects.update_or_create(
        stripe_id=data["id"],
        defaults={
            "organization_id": account.organization_id,
            "stripe_charge_id": _id_of(data["charge"]),
            "amount_minor": data["amount"],
            "reason": data["reason"],
            "status": data["status"],
            "due_by": datetime.fromtimestamp(due_by, tz=UTC) if due_by else None,
            "opened_at": datetime.fromtimestamp(data["created"], tz=UTC),
            "told_at": timezone.now(),
        },
    )
    _show(dispute)
    act_on_disputes(account)
    return True


def forgive(dispute: Dispute) -> bool:
    """Give access back although a dispute is open or lost. Returns False where that was done before."""
    forgiven = Dispute.objects.filter(id=dispute.id, forgiven_at=None).update(forgiven_at=timezone.now())
    if forgiven:
        act_on_disputes(BillingAccount.objects.get(organization_id=dispute.organization_id))
    return bool(forgiven)


@transaction.atomic
def act_on_disputes(account: BillingAccount) -> None:
    """Bring an account's access in line with its disputes: its subscription is applied once more."""
    stored = Subscription.objects.filter(id=account.stripe_subscription_id).first()
    if stored is not None:
        apply_subscription(data=stored.stripe_data)


def _show(dispute: Dispute) -> None:
    """Show an admin a dispute until it is won, or was only asked about."""
    about: dict[str, Any] = {
        "organization_id": dispute.organization_id,
        "kind": Discrepancy.Kind.PAYMENT_DISPUTED,
        "subject": dispute.stripe_id,
    }
    if dispute.status in ("won", "warning_closed", "prevented"):
        resolve_discrepancy(**about)
        return
    until = f" Evidence is due by {dispute.due_by:%Y-%m-%d %H:%M} UTC, in Stripe's dashboard." if dispute.due_by else ""
    open_discrepancy(
        **about, detail=f"{format_cents(dispute.amount_minor)}: {dispute.reason}, {dispute.status}.{until}"
    )


def _id_of(found: Any) -> str:
    return found if isinstance(found, str) else str(found["id"])
