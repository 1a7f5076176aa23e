"""Making up for lost webhooks: the events that Stripe keeps are read, and changes that no webhook told are fetched.

So whatever anybody does in Stripe's dashboard arrives here within two minutes, be it a payment, a cancellation, a pause
or a voided invoice.
"""

import logging
from datetime import datetime, timedelta

from billing.credits.credit_notes import keep_note
from billing.credits.refunds import keep_refund
from billing.credits.terms import mark_stale_of
from billing.models import BillingAccount, EventCursor
from billing.stripe_billing import sync
from billing.stripe_billing.client import StripeRejected
from billing.stripe_billing.credit_notes import fetch_credit_note
from billing.stripe_billing.disputes import fetch_dispute
from billing.stripe_billing.missed_events import Missed, missed_objects
from billing.stripe_billing.refunds import fetch_refund
from billing.subscriptions.disputes import keep_dispute
from billing.subscriptions.one_by_one import OneByOne
from billing.subscriptions.refreshing import refresh_subscription

logger = logging.getLogger(__name__)

# A webhook that takes longer is made up for. With a run every minute that is within two minutes.
WEBHOOKS_LATE_AFTER = timedelta(seconds=40)
# Events bear the time of Stripe's clock.
CLOCKS_DIFFER_BY = timedelta(minutes=1)
# Stripe keeps events for 30 days (docs.stripe.com/api/events).
KEPT_FOR = timedelta(days=30)
FIRST_READ = timedelta(days=1)
SAVED_EVERY = 20
# Kinds of objects that may name no customer.
NAMELESS = ("dispute", "refund")


def fetch_missed(*, now: datetime) -> int:
    """Fetch the objects of events that no webhook brought; return how many subscriptions were applied.

    One that fails is logged, and stops none of the others. Where Stripe did not answer for one, or the database did not
    take it, the next run begins with it. `now` is billing time. Raises StripeUnavailable, StripeRejected.
    """
    cursor = EventCursor.objects.filter(read_until__lte=now).first()  # the sandbox's clock may have been set back
    since = max(cursor.read_until - CLOCKS_DIFFER_BY, now - KEPT_FOR) if cursor else now - FIRST_READ
    until = now - WEBHOOKS_LATE_AFTER
    if since >= until:
        return 0
    missed = missed_objects(since=since, until=until)
    customers = BillingAccount.objects.filter(stripe_customer_id__in={each.customer for each in missed})
    ours = set(customers.exclude(stripe_customer_id="").values_list("stripe_customer_id", flat=True))
    applied, run = 0, OneByOne()
    for place, each in enumerate(missed):
        with run.step(customer=each.customer, stripe_id=each.id):
            applied += (each.customer in ours or each.kind in NAMELESS) and _fetch(each)
        if place % SAVED_EVERY == 0 and run.all_reached:  # a run may be cut short
            _save(each.told_at)
    if run.all_reached:
        _save(until)
    return applied


def _save(read_until: datetime) -> None:
    EventCursor.objects.update_or_create(id=1, defaults={"read_until": read_until})


def _fetch(missed: Missed) -> bool:
    logger.info("a webhook is made up for", extra={"kind": missed.kind, "stripe_id": missed.id})
    try:
        mark_stale_of(customer_id=missed.customer)
        if missed.kind == "subscription":
            return refresh_subscription(subscription_id=missed.id)
        if missed.kind == "invoice":
            sync.sync_invoice(invoice_id=missed.id)
        if missed.kind == "dispute":
            keep_dispute(fetch_dispute(stripe_id=missed.id))
        if missed.kind == "refund":
            keep_refund(fetch_refund(stripe_id=missed.id))
        if missed.kind == "credit_note":
            keep_note(fetch_credit_note(stripe_id=missed.id))
    except StripeRejected as error:  # a draft that was deleted, for one
        logger.warning("Stripe does not tell of an object", extra={"stripe_id": missed.id, "error": str(error)})
    return False
