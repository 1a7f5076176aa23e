"""Making the moves that are due. The worker runs it each minute, and it may break off anywhere.

A move loses no usage. Settled usage is sent to its meters first; Stripe makes an invoice item of what a removed item
has; calls that end afterwards are late usage, at their own price. Nothing is invoiced at once: the next invoice has it
all. While the draft of the period before is open nothing is moved, since Stripe forgets the late usage of an item that
is gone (docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period).

At a renewal the base is changed within the hour before, so that Stripe bills the new one, and the token prices as soon
as the invoice of the period before is final. Where that hour was missed, the base is prorated from the renewal on.
"""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from billing.bills.billed_usage import is_invoiced
from billing.metering.flush import UsageNotSent
from billing.models import BillingAccount, PlanMove
from billing.periods import period_at
from billing.plans.versions import metered_price_ids
from billing.stripe_billing import moves as stripe_moves
from billing.stripe_billing.client import StripeRejected, StripeUnavailable
from billing.subscriptions.changing import (
    ChangeUnderway,
    SubscriptionChanged,
    changing_terms,
    read_anew,
    told_what_is_true,
)
from billing.subscriptions.checkout import terms_of
from billing.subscriptions.refreshing import refresh_subscription

logger = logging.getLogger(__name__)

State, When = PlanMove.State, PlanMove.When
BASE_AHEAD = timedelta(hours=1)
PAUSE = timedelta(minutes=1)
# A period without an invoice by then gets none: Stripe finalizes a draft within 72 hours, and a held one is shown.
INVOICED_WITHIN = timedelta(days=4)
A_MOMENT = timedelta(microseconds=1)


def make_due_moves(*, now: datetime) -> int:
    """Make the moves that are due, and return how many were made. `now` is billing time."""
    due = PlanMove.objects.to_make().filter(due_at__lte=now + BASE_AHEAD)
    made = 0
    try:
        for move in due.filter(next_attempt_at__lte=timezone.now()).select_related("from_version", "to_version"):
            made += _try(move, now=now)
    except StripeUnavailable as error:
        logger.warning("moves wait for Stripe", extra={"error": str(error)})
    return made


def _try(move: PlanMove, *, now: datetime) -> bool:
    """Make one move as far as may be now; return whether it was made. Raises StripeUnavailable."""
    try:
        return _make(move, now=now)
    except (ChangeUnderway, UsageNotSent, StripeUnavailable) as error:
        logger.info("a move waits", extra={"move": move.id, "error": str(error)})
        PlanMove.objects.filter(id=move.id).update(next_attempt_at=timezone.now() + PAUSE)
        if isinstance(error, StripeUnavailable):
            raise
    except SubscriptionChanged as error:
        _end(move, state=State.LAPSED, outcome=str(error), now=now)
    except StripeRejected as error:
        logger.error("Stripe refused a move", extra={"move": move.id, "error": str(error)})
        _end(move, state=State.REFUSED, outcome=str(error), now=now)
    return False


def _make(move: PlanMove, *, now: datetime) -> bool:
    account = BillingAccount.objects.select_related("plan").get(organization_id=move.organization_id)
    read_anew(account)
    if reason := _why_lapsed(move, account):
        _end(move, state=State.LAPSED, outcome=reason, now=now)
        return False
    if now < move.due_at:
        if move.when == When.RENEWAL and move.base_moved_at is None and account.cancel_at is None:
            _change_base(move, account, prorated_from=None, now=now)
        return False
    period_starts_at = _period_starts_at(account)
    if _awaits_renewal(move, account, now=now) or _awaits_invoice(account, period_starts_at=period_starts_at, now=now):
        return False
    _change_prices(move, account, base_from=max(move.due_at, period_starts_at), now=now)
    _end(move, state=State.MADE, outcome="", now=now)
    return True


def _why_lapsed(move: PlanMove, account: BillingAccount) -> str:
    """Tell why a move is not made any more; empty where it is."""
    if not account.stripe_subscription_id or account.status == BillingAccount.Status.TRIAL:
        return "The subscription ended before."
    versions = (move.from_version, move.to_version)
    if (account.plan_id, account.priced_at) not in [(each.plan_id, each.priced_at) for each in versions]:
        return "The subscription was changed otherwise before."
    return ""


def _period_starts_at(account: BillingAccount) -> datetime:
    """Return the beginning of the period that runs at Stripe, as it was last told."""
    ends_at = account.stripe_period_ends_at or account.period_ends_at
    return period_at(anchor=account.anchor_at, instant=ends_at - A_MOMENT).starts_at


def _awaits_renewal(move: PlanMove, account: BillingAccount, *, now: datetime) -> bool:
    """Tell whether Stripe is yet to renew the subscription, or to tell of it."""
    ends_at = account.stripe_period_ends_at
    return ends_at is None or ends_at <= now or (move.when == When.RENEWAL and ends_at <= move.due_at)


def _awaits_invoice(account: BillingAccount, *, period_starts_at: datetime, now: datetime) -> bool:
    """Tell whether the invoice of the period before is still a draft, or unknown."""
    if period_starts_at <= account.anchor_at or now > period_starts_at + INVOICED_WITHIN:
        return False
    return not is_invoiced(account=account, period_starts_at=period_starts_at - A_MOMENT)


def _change_prices(move: PlanMove, account: BillingAccount, *, base_from: datetime, now: datetime) -> None:
    """Change the base, where that was not done ahead, and the prices of tokens.

    The state tells a webhook that comes meanwhile that the bill goes on.
    """
    PlanMove.objects.filter(id=move.id, state=State.PLANNED).update(state=State.MOVING)
    with told_what_is_true(account), changing_terms(account=account, now=now):
        if move.base_moved_at is None:
            _change_base(move, account, prorated_from=base_from, now=now)
        stripe_moves.change_metered(
            subscription_id=account.stripe_subscription_id,
            old_price_ids=_token_price_ids(move),
            price_ids=metered_price_ids(move.to_version),
            metadata=terms_of(move.to_version),
        )
        refresh_subscription(subscription_id=account.stripe_subscription_id)


def _change_base(move: PlanMove, account: BillingAccount, *, prorated_from: datetime | None, now: datetime) -> None:
    price_ids = {version.stripe_base_price_id for version in (move.from_version, move.to_version)}
    stripe_moves.change_base(
        subscription_id=account.stripe_subscription_id,
        old_price_ids=price_ids,
        price_id=move.to_version.stripe_base_price_id,
        prorated_from=prorated_from,
    )
    if prorated_from is not None:
        pending = stripe_moves.base_prorations(
            customer_id=account.stripe_customer_id, price_ids=price_ids, since=move.planned_at
        )
        known = _known_items(move)
        move.base_lines = [item for item in pending if item["id"] not in known]
    move.base_moved_at = now
    move.save(update_fields=["base_moved_at", "base_lines"])


def _known_items(move: PlanMove) -> set[str]:
    """Return the invoice items that other moves of the organization made."""
    others = PlanMove.objects.filter(organization_id=move.organization_id).exclude(id=move.id)
    return {item["id"] for lines in others.values_list("base_lines", flat=True) for item in lines}


def _token_price_ids(move: PlanMove) -> set[str]:
    return {*metered_price_ids(move.from_version), *metered_price_ids(move.to_version)}


def _end(move: PlanMove, *, state: PlanMove.State, outcome: str, now: datetime) -> None:
    begun = PlanMove.objects.filter(id=move.id, state__in=[State.PLANNED, State.MOVING])
    begun.update(state=state, outcome=outcome[:500], ended_at=now)
