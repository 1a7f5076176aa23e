"""Closing an organization, and forgetting it CLOSED_KEPT_DAYS later.

Closing ends the subscription, bills what was used, and revokes every key; nobody opens the organization from then on.
The papers that tax law wants are kept: invoices, credit notes and payments as they were issued, with the name and
address on them, here and at Stripe; and the usage that they bill, with its keys' hashes, under a number
in place of a name.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.db import transaction

from accounts.audit import AuditEntry, AuditEvent, note_change
from accounts.models import ApiKey, Invitation, Membership, Organization
from billing.customer_webhooks.facts import tell_of_revoked_keys
from billing.metering.flush import UsageNotSent
from billing.models import BillingAccount, CustomerEndpoint, CustomerEvent, Notice
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.changing import ChangeUnderway, SubscriptionChanged
from billing.subscriptions.checkout import AlreadySubscribed, close_what_is_unpaid
from billing.subscriptions.plan_changes import NotSubscribed, cancel_now

logger = logging.getLogger(__name__)

NOT_NOW = (
    AlreadySubscribed,
    ChangeUnderway,
    NotSubscribed,
    StripeRejected,
    StripeUnavailable,
    SubscriptionChanged,
    UsageNotSent,
)


def close_organization(*, organization: Organization, now: datetime) -> None:
    """End an organization's subscription, then revoke its keys and shut its pages. `now` is billing time.

    Where Stripe does not take the end, nothing is closed. A second call changes nothing.
    Raises what `cancel_now` raises, AlreadySubscribed where a first payment was made in this moment.
    """
    account = BillingAccount.objects.select_related("plan", "organization").get(organization=organization)
    _end(account, now=now)
    _shut(organization, now=now)
    _end_what_came_meanwhile(account, now=now)


def _end(account: BillingAccount, *, now: datetime) -> None:
    if account.stripe_subscription_id:
        cancel_now(account=account, now=now)
    else:
        close_what_is_unpaid(account)


def _end_what_came_meanwhile(account: BillingAccount, *, now: datetime) -> None:
    """End what a request subscribed to that came in before the keys were revoked. One that ends later ends it itself.

    Where that fails the worker does it, once it is paid; unpaid, Stripe gives it up within a day.
    """
    try:
        account.refresh_from_db()
        _end(account, now=now)
    except NOT_NOW as error:
        logger.warning("the worker ends what is left", extra={"account": account.id, "error": str(error)})


def end_what_closed_organizations_have(*, now: datetime) -> int:
    """End the subscriptions that were paid for after their organization was closed; return how many there were.

    `now` is billing time. The first payment is left for an operator to give back.
    """
    left = BillingAccount.objects.filter(organization__closed_at__isnull=False).exclude(stripe_subscription_id="")
    ended = 0
    for account in left.select_related("plan", "organization").order_by("id"):
        try:
            cancel_now(account=account, now=now)
        except NOT_NOW as error:
            logger.warning("a subscription is ended later", extra={"account": account.id, "error": str(error)})
        else:
            ended += 1
            logger.error("a closed organization had subscribed: give its payment back", extra={"account": account.id})
    return ended


@transaction.atomic
def _shut(organization: Organization, *, now: datetime) -> None:
    if not Organization.objects.filter(pk=organization.pk, closed_at=None).update(closed_at=now):
        return
    keys = ApiKey.objects.filter(organization=organization, revoked_at=None)
    revoked = list(keys)
    keys.update(revoked_at=now)
    tell_of_revoked_keys(revoked, now=now)
    Invitation.objects.filter(organization=organization, accepted_at=None).delete()
    note_change(AuditEvent.ORGANIZATION_CLOSED, organization_id=organization.pk)


def forget_closed_organizations(*, now: datetime) -> int:
    """Forget the organizations that were closed CLOSED_KEPT_DAYS ago; return how many. `now` is billing time."""
    long_ago = now - timedelta(days=settings.CLOSED_KEPT_DAYS)
    due = Organization.objects.filter(closed_at__lte=long_ago, forgotten_at=None).order_by("id")
    for organization in due:
        _forget(organization, now=now)
        logger.info("a closed organization was forgotten", extra={"organization_id": organization.pk})
    return len(due)


@transaction.atomic
def _forget(organization: Organization, *, now: datetime) -> None:
    """Take people, names, addresses and mails away. Numbers and documents stay."""
    # Members first: each leaves an entry in the log.
    Membership.objects.filter(organization=organization).delete()
    Invitation.objects.filter(organization=organization).delete()
    AuditEntry.objects.filter(organization=organization).delete()
    Notice.objects.filter(organization=organization).delete()
    CustomerEndpoint.objects.filter(organization=organization).delete()
    CustomerEvent.objects.filter(organization=organization).delete()
    ApiKey.objects.filter(organization=organization).update(name="Of a closed organization", created_by=None)
    cast(Any, Organization).history.filter(id=organization.pk).delete()
    Organization.objects.filter(pk=organization.pk).update(
        name=f"Closed organization {organization.pk}", email="closed@invalid", forgotten_at=now
    )
