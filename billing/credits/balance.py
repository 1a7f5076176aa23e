"""A customer's billing credits, remembered for the running bill: pages never ask Stripe."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from billing.models import BillingAccount, CreditGrant
from billing.stripe_billing.credits import ToldGrant

State = CreditGrant.State


def keep_balance(account: BillingAccount, told: Sequence[ToldGrant]) -> None:
    """Keep the credits of an account as Stripe tells them, all of them. To be called for the newest answer alone."""
    for grant in told:
        _keep(account, grant)
    credit_minor = sum(grant.left_minor for grant in told if _is_usable(account, grant))
    BillingAccount.objects.filter(id=account.id).exclude(credit_minor=credit_minor).update(credit_minor=credit_minor)


def credits_at(account: BillingAccount, instant: datetime, *, grants: Iterable[CreditGrant]) -> int:
    """Return the cents of credits that an invoice finalized at an instant may still spend, of the `grants` left."""
    lost = sum(each.left_minor for each in grants if each.usable and each.expires_at and each.expires_at <= instant)
    return max(account.credit_minor - lost, 0)


def grants_left(organization_id: int) -> Iterable[CreditGrant]:
    """Return the grants of an organization that something is left of, the first to expire first."""
    rows = CreditGrant.objects.filter(organization_id=organization_id, state=State.GRANTED)
    return sorted(rows.order_by("id"), key=lambda grant: (grant.expires_at is None, grant.expires_at or 0, grant.id))


def _is_usable(account: BillingAccount, told: ToldGrant) -> bool:
    """Tell whether a grant pays for the usage of an account: all of it, now, and in its currency."""
    return told.for_all_usage and told.begun and told.currency == account.plan.currency


def _keep(account: BillingAccount, told: ToldGrant) -> None:
    state = State.GRANTED if told.left_minor else State.ENDED
    values = {
        "left_minor": told.left_minor,
        "usable": _is_usable(account, told),
        "expires_at": told.expires_at,
        "state": state,
        "stripe_id": told.stripe_id,
        "last_error": "",
    }
    known = CreditGrant.objects.filter(organization_id=account.organization_id)
    by_identifier = Q(identifier=told.identifier) if told.identifier else Q(pk__in=[])
    if known.filter(by_identifier | Q(stripe_id=told.stripe_id)).update(**values):
        return
    CreditGrant.objects.get_or_create(
        identifier=told.stripe_id,
        defaults={
            **values,
            "organization_id": account.organization_id,
            "amount_minor": told.amount_minor,
            "currency": told.currency,
            "reason": told.name[:100],
            "created_at": told.created_at,
        },
    )
