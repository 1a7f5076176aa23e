"""Celery tasks: each is safe to run twice at once, or never; the rows say what is due."""

import logging
import threading
from collections.abc import Callable
from functools import wraps

from celery import shared_task
from django.utils import timezone

from billing.bills import invoice_holds
from billing.caps import alerts, unusual_spending
from billing.credits import terms
from billing.credits.credit_notes import NOTES
from billing.credits.grants import GRANTS
from billing.credits.promotions import PROMOTIONS
from billing.customer_webhooks import log as webhook_log
from billing.customer_webhooks import sending as webhook_sending
from billing.leaving import closing
from billing.ledger import abandonment, idempotency
from billing.mail import cards, sending, trial
from billing.metering import late_usage, meter_errors, outbox, posting
from billing.plans import retirement_notices
from billing.reconciliation import run as reconciliation
from billing.stripe_billing import stored_events
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions import catching_up, collecting, ended_bills, full_sync, making_moves, planned_switches
from common import clock

logger = logging.getLogger(__name__)

# Below the task's time limit. Reconciled periods are closed, so the next night goes on with the rest.
RECONCILES_FOR_S = 3300.0
# Then the task ends between two mails, each of which may wait for a mail server for a while.
MAILS_FOR_S = 40.0
# Then the next run looks for events that are due; calls of this one may last a while longer.
WEBHOOKS_FOR_S = 60.0


def one_at_a_time(task: Callable[[], None]) -> Callable[[], None]:
    """Let a task that waits for Stripe run once at a time in a process; a second run is skipped, since rows say it all.

    A laptop's worker runs all tasks in a few threads. Each run of a task may wait for as long as Stripe hangs, and beat
    starts another meanwhile: soon no thread would be left to post usage.
    """
    running = threading.Lock()

    @wraps(task)
    def run() -> None:
        if running.acquire(blocking=False):
            try:
                task()
            finally:
                running.release()

    return run


@shared_task(time_limit=55)
def post_usage() -> None:
    """Every few seconds: add closed records to the daily totals and to meter events."""
    while posting.post_due() == posting.BATCH:
        pass


@shared_task(time_limit=85)
@one_at_a_time
def send_meter_events() -> None:
    """Every few seconds: send due meter events to Stripe."""
    sent = outbox.send_due(now=clock.now())
    if sent:
        logger.info("meter events sent", extra={"count": sent})


@shared_task(time_limit=85)
@one_at_a_time
def bill_late_usage() -> None:
    """Every fifteen seconds: make invoice items of usage that no meter bills."""
    made = late_usage.bill_late_usage(now=clock.now())
    if made:
        logger.info("late usage billed by invoice items", extra={"count": made})


@shared_task(time_limit=55)
@one_at_a_time
def refresh_invoice_terms() -> None:
    """Every five seconds: ask Stripe for discounts and credits that may have changed."""
    terms.refresh_stale()


@shared_task(time_limit=55)
@one_at_a_time
def send_credits() -> None:
    """Every minute: make the credit grants, promotion codes and credit notes that Stripe did not take at first."""
    for making in (GRANTS, PROMOTIONS, NOTES):
        making.send_pending(now=timezone.now())


@shared_task(time_limit=55)
def find_abandoned_records() -> None:
    """Every ten seconds: close records that crashed processes left open."""
    found = abandonment.find_abandoned(now=clock.now())
    if found:
        logger.warning("abandoned records found", extra={"count": found})


@shared_task(time_limit=300)
def forget_old_idempotency_keys() -> None:
    """Every hour: delete answers that were kept for repetitions, a day later."""
    forgotten = idempotency.forget_old_keys(now=timezone.now())
    if forgotten:
        logger.info("idempotency keys forgotten", extra={"count": forgotten})


@shared_task(time_limit=300)
def forget_old_stripe_events() -> None:
    """Every hour: delete Stripe's events that were stored long ago."""
    forgotten = stored_events.forget_old_events(now=timezone.now())
    if forgotten:
        logger.info("Stripe's events forgotten", extra={"count": forgotten})


@shared_task(time_limit=300)
def find_unusual_spending() -> None:
    """Every ten minutes: tell of organizations that spend far more today than they usually do."""
    unusual_spending.find_unusual_spending(now=clock.now())


@shared_task(time_limit=300)
def forget_closed_organizations() -> None:
    """Every hour: take people and names from organizations that were closed long ago."""
    closing.forget_closed_organizations(now=clock.now())


@shared_task(time_limit=55)
def send_spending_alerts() -> None:
    """Twice a minute: have owners and admins told which caps and trials are about to be used up."""
    alerts.raise_alerts(now=clock.now())
    trial.tell_of_trials(now=clock.now())


@shared_task(time_limit=85)
@one_at_a_time
def send_mails() -> None:
    """Every five seconds: mail the notices that are due."""
    sending.address_notices(now=timezone.now())
    sent = sending.send_due(stop_after_s=MAILS_FOR_S)
    if sent:
        logger.info("mails sent", extra={"count": sent})


@shared_task(time_limit=115)
def send_customer_webhooks() -> None:
    """Every two seconds: send customers' systems the events that are due."""
    arrived = webhook_sending.send_due(stop_after_s=WEBHOOKS_FOR_S)
    if arrived:
        logger.info("webhooks delivered", extra={"count": arrived})


@shared_task(time_limit=300)
def forget_old_customer_events() -> None:
    """Every hour: delete the events of customers' systems that are a month old."""
    forgotten = webhook_log.forget_old_events(wall_now=timezone.now())
    if forgotten:
        logger.info("customers' events forgotten", extra={"count": forgotten})


@shared_task(time_limit=3600)
@one_at_a_time
def look_for_expiring_cards() -> None:
    """Every night: have those told whose card is about to expire."""
    try:
        cards.tell_of_cards(now=clock.now())
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("Stripe did not tell of cards", extra={"error": str(error)})


@shared_task(time_limit=300)
@one_at_a_time
def catch_up_with_stripe() -> None:
    """Every minute: make up for lost webhooks, make planned switches, and see to what has ended or must."""
    catching_up.catch_up(now=clock.now())
    planned_switches.switch_what_was_renewed(now=clock.now())
    closing.end_what_closed_organizations_have(now=clock.now())
    ended_bills.bill_what_was_not_invoiced()
    collecting.collect_all_that_is_owed()


@shared_task(time_limit=300)
def tell_of_retirements() -> None:
    """Every hour: have organizations told of the end of models that they use."""
    retirement_notices.tell_of_retirements(now=clock.now())


@shared_task(time_limit=300)
@one_at_a_time
def make_plan_moves() -> None:
    """Every minute: take subscribers to the prices that an admin moves them to."""
    made = making_moves.make_due_moves(now=clock.now())
    if made:
        logger.info("subscribers moved", extra={"count": made})


@shared_task(time_limit=300)
@one_at_a_time
def release_held_invoices() -> None:
    """Every ten seconds: finalize the held drafts whose usage Stripe has, and compare their lines with the ledger."""
    for organization_id in invoice_holds.release_ready(now=clock.now()):
        reconciliation.reconcile_one(organization_id=organization_id, now=clock.now())


@shared_task(time_limit=300)
@one_at_a_time
def read_meter_errors() -> None:
    """Every ten minutes: ask Stripe which meter events it could not bill after all."""
    try:
        meter_errors.read_meter_errors(now=clock.now())
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("Stripe's reports of meter events could not be read", extra={"error": str(error)})


@shared_task(time_limit=300)
@one_at_a_time
def hold_forgotten_drafts() -> None:
    """Every ten minutes: hold the drafts of which no webhook told."""
    try:
        held = invoice_holds.hold_forgotten_drafts(now=clock.now())
    except (StripeUnavailable, StripeRejected) as error:
        logger.warning("drafts of which no webhook told are sought later", extra={"error": str(error)})
        return
    if held:
        logger.warning("drafts held of which no webhook told", extra={"count": held})


@shared_task(time_limit=3600)
@one_at_a_time
def sync_with_stripe() -> None:
    """Every night: fetch every live subscription and open invoice."""
    full_sync.sync_everything()


@shared_task(time_limit=3600)
@one_at_a_time
def reconcile() -> None:
    """Every night: compare ledger, totals, meter events, Stripe's meters and invoices, and name each difference."""
    report = reconciliation.reconcile(now=clock.now(), stop_after_s=RECONCILES_FOR_S)
    if report.differences:
        logger.warning("reconciliation found differences", extra={"count": len(report.differences)})
