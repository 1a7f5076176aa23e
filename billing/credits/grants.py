"""Credits that an operator grants. They pay metered usage alone: not the base of a plan, and no invoice items."""

from billing.credits.making import Making
from billing.credits.terms import mark_stale
from billing.models import BillingAccount, CreditGrant
from billing.stripe_billing import credits as stripe_credits
from billing.stripe_billing import customers

State = CreditGrant.State


def _grant(grant: CreditGrant) -> None:
    stripe_id = stripe_credits.create_grant(
        customer_id=_customer_of(grant),
        identifier=grant.identifier,
        name=grant.reason or "Credit",
        amount_minor=grant.amount_minor,
        currency=grant.currency,
        expires_at=grant.expires_at,
    )
    CreditGrant.objects.filter(id=grant.id, state=State.PENDING).update(
        state=State.GRANTED, stripe_id=stripe_id, left_minor=grant.amount_minor, last_error=""
    )
    mark_stale(organization_id=grant.organization_id)


GRANTS = Making(model=CreditGrant, make=_grant)


def end_grant(grant: CreditGrant) -> bool:
    """End a grant now; what is left of it is lost. Returns False where it is over already.

    Raises StripeUnavailable, StripeRejected.
    """
    if grant.state != State.GRANTED:
        return False
    stripe_credits.end_grant(stripe_id=grant.stripe_id)
    ended = CreditGrant.objects.filter(id=grant.id, state=State.GRANTED).update(state=State.ENDED, left_minor=0)
    mark_stale(organization_id=grant.organization_id)
    return bool(ended)


def _customer_of(grant: CreditGrant) -> str:
    """Return the organization's customer at Stripe, made if there is none. Raises the gateway's errors."""
    account = BillingAccount.objects.select_related("organization").get(organization_id=grant.organization_id)
    if account.stripe_customer_id:
        return account.stripe_customer_id
    made = customers.ensure_customer(organization=account.organization)
    BillingAccount.objects.filter(id=account.id, stripe_customer_id="").update(stripe_customer_id=made)
    return made
