"""Collecting what is still owed after a subscription ended.

Stripe stops the automatic collection of a customer's open invoices when a subscription is canceled. They are owed all
the same, so it is turned on again, unless Stripe itself canceled because its attempts had failed: those invoices wait
for the customer, who finds them on the billing page.
"""

import logging

from billing.models import BillingAccount
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.stripe_billing.collection import resume_collection

logger = logging.getLogger(__name__)


def collect_what_is_owed(account: BillingAccount) -> None:
    """Have the open invoices of an ended subscription collected. Where Stripe does not answer, a later run does it."""
    stopped = BillingAccount.objects.filter(id=account.id, collection_stopped=True)
    if not stopped.exists():
        return
    try:
        resume_collection(customer_id=account.stripe_customer_id)
    except StripeUnavailable as error:
        logger.warning("open invoices wait to be collected", extra={"account": account.id, "error": str(error)})
        return
    except StripeRejected as error:
        logger.error("open invoices cannot be collected", extra={"account": account.id, "error": str(error)})
    stopped.update(collection_stopped=False)


def collect_all_that_is_owed() -> None:
    """Do so for every account whose subscription ended."""
    for account in BillingAccount.objects.filter(collection_stopped=True).order_by("id"):
        collect_what_is_owed(account)
