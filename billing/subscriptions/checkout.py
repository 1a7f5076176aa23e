"""Subscribing in the portal, where a page of Stripe's takes the card."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization
from billing.metering.flush import let_usage_be_past
from billing.models import BillingAccount, Plan, PlanVersion
from billing.plans.versions import metered_price_ids, version_to_sell
from billing.stripe_billing import checkout as stripe_checkout
from billing.stripe_billing import subscriptions as stripe_subscriptions
from billing.subscriptions.catching_up import bring_up_to_date
from billing.subscriptions.company import asking_for_the_address
from billing.subscriptions.customer import customer_of
from billing.subscriptions.live import ENTITLING
from billing.subscriptions.refreshing import refresh_subscription
from common import clock

# Stripe's status of a subscription whose first invoice is not paid yet.
INCOMPLETE = "incomplete"
CLOSED = "This organization is closed. Nothing was subscribed to."


class OrganizationClosed(Exception):
    """The organization was closed: nothing is sold to it any more."""


class AlreadySubscribed(Exception):
    """The organization has a subscription already; a second one would charge it twice."""


def start_checkout(*, account: BillingAccount, plan: Plan) -> str:
    """Open a Checkout session for a plan and return the address of its page at Stripe.

    The account remembers the session for two reasons: a lost webhook can be made up for, and the session is closed
    when another is opened, since two paid pages would make two subscriptions.
    Raises AlreadySubscribed, OrganizationClosed, PlanNotPublished, AddressNeeded, StripeUnavailable, StripeRejected.
    """
    items = first_items(account=account, plan=plan)
    customer_id = customer_of(account)
    close_what_is_unpaid(account)
    with asking_for_the_address():
        session_id, url = stripe_checkout.create_checkout_session(
            customer_id=customer_id,
            items=items,
            metadata=terms_of(version_to_sell(plan=plan)),
            success_url=f"{settings.PUBLIC_URL}{reverse('checkout_return')}?session_id={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{settings.PUBLIC_URL}{reverse('checkout_canceled')}",
            organization_id=account.organization_id,
        )
    replaced = BillingAccount.objects.filter(id=account.id, checkout_session_id=account.checkout_session_id)
    if replaced.update(checkout_session_id=session_id, checkout_opened_at=timezone.now()):
        if is_closed(account):
            _close_session(session_id)
            raise OrganizationClosed(CLOSED)
        return url
    # A colleague was quicker. The page of the last one to click stays open.
    _close_session(session_id)
    account.refresh_from_db()
    return start_checkout(account=account, plan=plan)


def is_closed(account: BillingAccount) -> bool:
    """Tell whether the account's organization is closed by now. Asked again once something was made for it.

    Closing looks for such things after it has shut the organization; so one of the two sees what the other did.
    """
    return Organization.objects.filter(pk=account.organization_id, closed_at__isnull=False).exists()


def first_items(*, account: BillingAccount, plan: Plan) -> list[dict[str, Any]]:
    """Return the items of a first subscription to `plan`, once the account is as Stripe has it.

    Raises AlreadySubscribed, OrganizationClosed, PlanNotPublished, StripeUnavailable, StripeRejected.
    """
    if is_closed(account):
        raise OrganizationClosed(CLOSED)
    bring_up_to_date(account)
    if account.stripe_subscription_id:
        raise AlreadySubscribed(f"{account.organization} already has a subscription to {account.plan}.")
    let_usage_be_past(organization_id=account.organization_id, now=clock.now())
    return items_of(plan)


def items_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the items of a new subscription to `plan`. Raises PlanNotPublished."""
    version = version_to_sell(plan=plan)
    return stripe_subscriptions.subscription_items(
        base_price_id=version.stripe_base_price_id, metered_price_ids=metered_price_ids(version)
    )


def terms_of(version: PlanVersion) -> dict[str, str]:
    """Return the metadata that names a subscription's version, which Stripe's prices may not tell."""
    return {stripe_subscriptions.PRICED_AT: version.priced_at.isoformat()}


def close_what_is_unpaid(account: BillingAccount) -> None:
    """Close the account's open page at Stripe, and withdraw a subscription that waits for its first payment.

    Raises AlreadySubscribed if either has been paid, StripeUnavailable, StripeRejected.
    """
    close_checkout(account)
    if account.stripe_customer_id:
        newest, status = stripe_subscriptions.newest_subscription(customer_id=account.stripe_customer_id)
        close_pending(subscription_id=newest, status=status)


def close_checkout(account: BillingAccount) -> None:
    """Close the account's open page at Stripe, if there is one. Raises AlreadySubscribed if it has been paid."""
    _close_session(account.checkout_session_id)


def close_pending(*, subscription_id: str, status: str) -> None:
    """Withdraw a customer's newest subscription if it waits for its payment: paid later, it would be a second one.

    Raises AlreadySubscribed if it has been paid.
    """
    paid = status == INCOMPLETE and not stripe_subscriptions.withdraw_incomplete(subscription_id=subscription_id)
    if paid or status in ENTITLING:
        refresh_subscription(subscription_id=subscription_id)
        raise AlreadySubscribed("A subscription has just been paid.")


def _close_session(session_id: str) -> None:
    """Close an earlier session. Raises AlreadySubscribed if it has been paid."""
    if session_id and not stripe_checkout.expire_checkout_session(session_id=session_id):
        raise AlreadySubscribed("A checkout has just been paid: the plan will be active within a minute.")
