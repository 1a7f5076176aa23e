"""One change of a subscription at a time, with a clear line between usage before it and after it.

Usage that was posted when the change begins is sent to Stripe's meters first, and so billed with the change at the old
prices. The rest waits until the outcome is known: it goes to a meter where the terms stayed, and is late usage where
they did not. Stripe may have made a change whose answer never came; then `catching_up` asks, and ends the wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import Error as DatabaseFailed
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.metering import outbox, posting
from billing.metering.flush import UsageNotSent
from billing.models import BillingAccount
from billing.stripe_billing.client import PaymentDeclined, StripeRejected, StripeUnavailable
from billing.subscriptions.refreshing import refresh_subscription

# By then the process that was making a change has died.
CHANGES_LAST_AT_MOST = timedelta(minutes=5)


class ChangeUnderway(Exception):
    """Another change of the subscription is being made."""


class SubscriptionChanged(Exception):
    """The subscription is no longer as the caller knew it. The message tells how it is."""


@contextmanager
def changing_terms(*, account: BillingAccount, now: datetime) -> Iterator[None]:
    """Send the usage so far, and keep back the rest, while the block changes the plan at Stripe or ends it.

    `now` is billing time. Raises ChangeUnderway, UsageNotSent.
    """
    _begin(account)
    try:
        if not outbox.send_all_of(organization_id=account.organization_id, now=now):
            raise UsageNotSent("Usage is still on its way to our payment provider. Nothing was changed: try again.")
        yield
    except (StripeUnavailable, DatabaseFailed):  # the change may have been made all the same, and not be known here
        _give_up(account)
        raise
    except BaseException:
        end_change(account)
        raise
    end_change(account)


@transaction.atomic
def _begin(account: BillingAccount) -> None:
    """Post what is settled, and have posting leave out what will be. Under the posting lock, so nothing is between."""
    posting.block_posting()
    account.change_begun_at = timezone.now()
    idle = BillingAccount.objects.filter(id=account.id, change_begun_at__isnull=True)
    if not idle.update(change_begun_at=account.change_begun_at):
        raise ChangeUnderway("Another change of this subscription is being made. Look at it again in a minute.")
    while posting.post_due(organization_id=account.organization_id):
        pass


def _give_up(account: BillingAccount) -> None:
    """Leave the outcome to be found out, by the next change or by `catching_up`."""
    begun = BillingAccount.objects.filter(id=account.id, change_begun_at=account.change_begun_at)
    begun.update(change_begun_at=timezone.now() - CHANGES_LAST_AT_MOST)


def unclear_changes() -> Q:
    """Return the condition for accounts of whose change nobody knows the outcome."""
    return Q(change_begun_at__lte=timezone.now() - CHANGES_LAST_AT_MOST)


def find_out(account: BillingAccount) -> bool:
    """Fetch the outcome of an unclear change, and let posting go on; return whether a subscription was applied.

    Raises StripeUnavailable, StripeRejected.
    """
    applied = bool(account.stripe_subscription_id) and refresh_subscription(
        subscription_id=account.stripe_subscription_id, invoices_of=account.stripe_customer_id
    )
    end_change(account)
    return applied


def read_anew(account: BillingAccount) -> None:
    """Read the account as it is now, and find out the outcome of a change that is unclear.

    Raises StripeUnavailable, StripeRejected.
    """
    account.refresh_from_db()
    if BillingAccount.objects.filter(unclear_changes(), id=account.id).exists():
        find_out(account)
        account.refresh_from_db()


def end_change(account: BillingAccount) -> None:
    """Let posting go on with the account's usage, unless another change has begun."""
    begun = BillingAccount.objects.filter(id=account.id, change_begun_at=account.change_begun_at)
    begun.update(change_begun_at=None)


@contextmanager
def told_what_is_true(account: BillingAccount) -> Iterator[None]:
    """Where Stripe refuses the block because the subscription is another by now, raise SubscriptionChanged.

    It is fetched and applied first. Any other refusal of Stripe's goes on as it is.
    """
    try:
        yield
    except PaymentDeclined:
        raise
    except StripeRejected as error:
        known = _terms_of(account)
        refresh_subscription(subscription_id=account.stripe_subscription_id, invoices_of=account.stripe_customer_id)
        account.refresh_from_db()
        if _terms_of(account) == known:
            raise
        raise SubscriptionChanged(f"Nothing was changed, since {how_it_is(account)}") from error


def how_it_is(account: BillingAccount) -> str:
    """Tell in words where a subscription stands, as the end of a sentence that gives it as a reason."""
    if not account.stripe_subscription_id:
        return "the subscription has ended. Subscribe to a plan to go on."
    ends = f" It ends on {account.cancel_at:%-d %b %Y}." if account.cancel_at else ""
    return (
        f"the subscription is to {account.plan}, {account.get_status_display().lower()}, and its bill began on "
        f"{account.period_starts_at:%-d %b %Y at %H:%M} UTC.{ends} Look at it again before you ask again."
    )


def _terms_of(account: BillingAccount) -> tuple[object, ...]:
    return (
        account.stripe_subscription_id,
        account.plan_id,
        account.status,
        account.period_starts_at,
        account.cancel_at,
    )
