"""The facts that customers' systems are told, and the data of each, as the documentation of webhooks has it.

Amounts are decimal texts in cents, as in the management API. Each function writes in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from accounts.models import ApiKey, Project
from billing.customer_webhooks.events import Fact, Type, emit, instant
from billing.mail.invoices import payment_failed
from billing.models import BillingAccount, Plan
from billing.models.spending_alert import cap_owner
from billing.money import plain

# An older invoice that comes in, as by a first synchronization, is no news.
NEWS_FOR = timedelta(days=3)


def tell_of_new_key(key: ApiKey) -> None:
    """Tell of a key that was created."""
    _tell_of_key(key, Type.KEY_CREATED, at=key.created_at)


def tell_of_revoked_keys(keys: Iterable[ApiKey], *, now: datetime) -> None:
    """Tell of keys that were revoked. `now` is billing time."""
    for key in keys:
        _tell_of_key(key, Type.KEY_REVOKED, at=now)


def _tell_of_key(key: ApiKey, kind: Type, *, at: datetime) -> None:
    data = {
        "key_id": key.pk,
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes.split(),
        "expires_at": instant(key.expires_at),
    }
    emit(Fact(organization_id=key.organization_id, type=kind, occasion=str(key.pk), happened_at=at, data=data))


class CapState(Protocol):
    """A spending cap and how much of it is spent. Without a key and a project it is the organization's."""

    @property
    def organization_id(self) -> int:
        """The organization whose spending is capped."""

    @property
    def api_key_id(self) -> int | None:
        """The key whose spending is capped."""

    @property
    def project_id(self) -> int | None:
        """The project whose spending is capped."""

    @property
    def spending_starts_at(self) -> datetime:
        """The beginning of the spending that counts."""

    @property
    def cap_minor(self) -> Decimal:
        """The cap, in cents."""

    @property
    def spent_minor(self) -> Decimal:
        """The amount spent, in exact cents."""


def alert_fact(cap: CapState, *, part: ApiKey | Project | None, percent: int, now: datetime) -> Fact:
    """Return the fact that a share of a cap is used: of a key's or project's where there is a part.

    `now` is billing time.
    """
    data = {**_cap_data(cap, part), "percent": percent}
    occasion = f"{_identity(cap)}:{percent}"
    return Fact(
        organization_id=cap.organization_id, type=Type.ALERT_REACHED, occasion=occasion, happened_at=now, data=data
    )


def cap_fact(cap: CapState, *, part: ApiKey | Project | None, now: datetime) -> Fact:
    """Return the fact that a cap is used up. `now` is billing time."""
    return Fact(
        organization_id=cap.organization_id,
        type=Type.CAP_REACHED,
        occasion=_identity(cap),
        happened_at=now,
        data=_cap_data(cap, part),
    )


def _identity(cap: CapState) -> str:
    """Name a cap in its period: a changed cap is another cap."""
    owner = cap_owner(api_key_id=cap.api_key_id, project_id=cap.project_id)
    return f"{owner}:{cap.spending_starts_at.isoformat()}:{plain(cap.cap_minor)}"


def _cap_data(cap: CapState, part: ApiKey | Project | None) -> dict[str, Any]:
    return {
        "key_id": cap.api_key_id,
        "key_name": part.name if isinstance(part, ApiKey) else None,
        "project_id": cap.project_id,
        "project_name": part.name if isinstance(part, Project) else None,
        "cap_minor": str(plain(cap.cap_minor)),
        "spent_minor": str(plain(cap.spent_minor)),
    }


def tell_of_plan_change(account: BillingAccount, *, before: Plan) -> None:
    """Tell of a plan that began or was switched. Nothing is told where the plan is the same."""
    if account.plan_id == before.pk:
        return
    at = account.period_starts_at
    data = {
        "plan": account.plan.code,
        "plan_name": account.plan.name,
        "plan_before": None if before.is_trial else before.code,
        "subscription_id": account.stripe_subscription_id,
    }
    occasion = f"{account.stripe_subscription_id}:{account.plan_id}:{at.isoformat()}"
    emit(_fact(account, Type.PLAN_CHANGED, occasion=occasion, at=at, data=data))


def tell_of_subscription_end(
    account: BillingAccount, *, subscription_id: str, before: Plan, ended_at: datetime
) -> None:
    """Tell of a subscription that has ended."""
    data = {"plan": before.code, "plan_name": before.name, "subscription_id": subscription_id}
    emit(_fact(account, Type.SUBSCRIPTION_ENDED, occasion=subscription_id, at=ended_at, data=data))


def tell_of_invoice_payment(invoice: Mapping[str, Any], *, now: datetime) -> None:
    """Tell of an invoice that was paid, or whose payment failed, as Stripe tells it. `now` is billing time.

    It may be looked at any number of times. Each attempt that failed is told.
    """
    paid_at = (invoice.get("status_transitions") or {}).get("paid_at") or 0
    if invoice["status"] == "paid" and invoice["total"] > 0 and now - _at(paid_at) < NEWS_FOR:
        kind, occasion, at = Type.INVOICE_PAID, invoice["id"], _at(paid_at)
    elif payment_failed(invoice):
        kind, occasion, at = Type.INVOICE_PAYMENT_FAILED, f"{invoice['id']}:{invoice['attempt_count']}", now
    else:
        return
    account = BillingAccount.objects.filter(stripe_customer_id=invoice.get("customer") or "-").first()
    if account is not None:
        emit(_fact(account, kind, occasion=occasion, at=at, data=_invoice_data(invoice)))


def _invoice_data(invoice: Mapping[str, Any]) -> dict[str, Any]:
    next_attempt = invoice.get("next_payment_attempt")
    return {
        "invoice_id": invoice["id"],
        "number": invoice.get("number"),
        "currency": invoice["currency"],
        "total_minor": str(invoice["total"]),
        "unpaid_minor": str(invoice["amount_remaining"]),
        "attempts": invoice.get("attempt_count", 0),
        "next_attempt_at": instant(_at(next_attempt)) if next_attempt else None,
    }


def _fact(account: BillingAccount, kind: Type, *, occasion: str, at: datetime, data: Mapping[str, Any]) -> Fact:
    return Fact(organization_id=account.organization_id, type=kind, occasion=occasion, happened_at=at, data=data)


def _at(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, tz=UTC)
