"""A customer's billing credits, remembered for the running bill: pages never ask Stripe."""

import logging

from billing.models import BillingAccount
from billing.stripe_billing import credits as stripe_credits
from billing.stripe_billing.client import StripeRejected, StripeUnavailable

logger = logging.getLogger(__name__)


def refresh_credits(*, customer_id: str) -> None:
    """Ask Stripe for the credits of a customer of ours. Where it does not answer, what was known stays."""
    account = BillingAccount.objects.select_related("plan").filter(stripe_customer_id=customer_id).first()
    if account is None or not customer_id:
        return
    try:
        credit_minor = stripe_credits.usable_credits(customer_id=customer_id, currency=account.plan.currency)
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("Stripe did not tell a customer's credits", extra={"error": str(error)})
        return
    BillingAccount.objects.filter(id=account.id).exclude(credit_minor=credit_minor).update(credit_minor=credit_minor)
