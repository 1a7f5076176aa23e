"""An organization's customer at Stripe: made when it is first needed, and made anew where Stripe has it no more."""

import logging

from django.db import transaction

from accounts.audit import AuditEvent, note_change
from accounts.models import Organization
from billing.models import BillingAccount
from billing.stripe_billing import customers

logger = logging.getLogger(__name__)


def customer_of(account: BillingAccount) -> str:
    """Return the id of the account's customer at Stripe, and remember a new one on the account.

    A customer that was deleted in Stripe's dashboard takes its subscription along, and Stripe refuses every call about
    it for ever; so another takes its place. Raises StripeUnavailable, StripeRejected.
    """
    known = account.stripe_customer_id
    if known and not customers.is_gone(customer_id=known):
        return known
    if known:
        logger.warning("a customer was deleted at Stripe; another takes its place", extra={"customer": known})
        made = customers.replace_customer(organization=account.organization, gone=known)
    else:
        made = customers.ensure_customer(organization=account.organization)
    BillingAccount.objects.filter(id=account.id, stripe_customer_id=known).update(stripe_customer_id=made)
    account.stripe_customer_id = made
    return made


def change_contact(*, organization: Organization, name: str, email: str) -> Organization:
    """Change an organization's name and billing e-mail: first at Stripe, so that a failure changes nothing.

    Raises StripeUnavailable, StripeRejected.
    """
    account = BillingAccount.objects.select_related("organization").get(organization=organization)
    if account.stripe_customer_id:
        customers.change_customer(customer_id=customer_of(account), name=name, email=email)
    organization.name, organization.email = name, email
    with transaction.atomic():
        organization.save(update_fields=["name", "email"])
        note_change(AuditEvent.ORGANIZATION_CHANGED, organization_id=organization.pk, detail=f"{name}, {email}")
    return organization
