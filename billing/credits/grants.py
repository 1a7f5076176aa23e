"""Credits that an operator grants. They pay metered usage alone: not the base of a plan, and no invoice items.

A row is written first. Its identifier is Stripe's idempotency key, so it may be sent any number of times, within a day.
"""

import logging
from datetime import timedelta

from django.utils import timezone

from billing.credits.terms import mark_stale
from billing.models import BillingAccount, CreditGrant
from billing.stripe_billing import credits as stripe_credits
from billing.stripe_billing import customers
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)

State = CreditGrant.State
# Stripe forgets an idempotency key after a day (docs.stripe.com/api/idempotent_requests). A later try may grant twice.
SENT_FOR = timedelta(hours=23)
SENT_AGAIN_AFTER = timedelta(minutes=1)
UNCLEAR = (
    "Stripe gave no answer for a day. Look at the customer's credit grants in Stripe, and grant again if it is none."
)


def send_grant(grant: CreditGrant) -> None:
    """Grant the credits of a pending row at Stripe. Raises StripeUnavailable, after which the worker tries again.

    A refusal is kept on the row, and raised as StripeRejected.
    """
    rows = CreditGrant.objects.filter(id=grant.id, state=State.PENDING)
    try:
        stripe_id = stripe_credits.create_grant(
            customer_id=_customer_of(grant),
            identifier=grant.identifier,
            name=grant.reason or "Credit",
            amount_minor=grant.amount_minor,
            currency=grant.currency,
            expires_at=grant.expires_at,
        )
    except StripeRejected as error:
        rows.update(state=State.REJECTED, last_error=str(error)[:500])
        raise
    except StripeUnavailable as error:
        rows.update(last_error=str(error)[:500])
        raise
    rows.update(state=State.GRANTED, stripe_id=stripe_id, left_minor=grant.amount_minor, last_error="")
    mark_stale(organization_id=grant.organization_id)


def send_pending() -> int:
    """Send the grants that Stripe has not taken yet; return how many it took."""
    taken, now = 0, timezone.now()
    pending = CreditGrant.objects.filter(state=State.PENDING, created_at__lt=now - SENT_AGAIN_AFTER)
    pending.filter(created_at__lt=now - SENT_FOR).update(state=State.REJECTED, last_error=UNCLEAR)
    for grant in pending.order_by("id"):
        try:
            send_grant(grant)
        except StripeUnavailable as error:
            logger.warning("Stripe did not take a credit grant", extra={"error": str(error)})
            break
        except StripeRejected as error:
            logger.error("Stripe refused a credit grant", extra={"grant": grant.id, "error": str(error)})
        else:
            taken += 1
    return taken


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
