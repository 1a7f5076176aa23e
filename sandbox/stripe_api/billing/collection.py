"""Collecting payments: the automatic attempt, the retries, and the end of the retries."""

from __future__ import annotations

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.billing import invoice_status, invoices, subscription_status
from sandbox.stripe_api.payments import payments
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.protocol.deliveries import Deliveries
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

# Stripe's own "smart" schedule is not public; these are the days of its custom retry schedule's default
# (https://docs.stripe.com/billing/revenue-recovery/smart-retries#custom-retry-schedule).
RETRY_AFTER_DAYS = (3, 5, 7)
# The fate of a subscription whose last retry failed: a setting of the account at Stripe, of the sandbox here.
WHEN_RETRIES_END = "when_retries_end"
# The pause before a draft that waits for the answer to `invoice.created` is looked at again.
LOOK_AGAIN_S = 5 * 60
ENDINGS = ("cancel", "unpaid", "past_due")


def attempt(
    world: World, invoice: Json, *, method: Json | None = None, off_session: bool = True, authenticated: bool = False
) -> Decline | None:
    """Try to pay an open invoice with `method`, or with the default one.

    Returns the decline; None where it was paid, or waits for the customer to authenticate. Raises InvalidRequest for an
    invoice in another status, and where there is nothing to pay, or nothing to pay it with.
    """
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(f"Invoice is {invoice['status']} and cannot be paid.", code="invoice_not_payable")
    method = method or default_method(world, invoice)
    if method is None:
        raise InvalidRequest("Cannot charge a customer that has no default payment method.", code="missing")
    intent = invoices.intent_of(world, invoice)
    if intent is None:
        raise InvalidRequest("This invoice has nothing to pay.", code="invoice_not_payable")
    decline = payments.confirm(world, intent, method, off_session=off_session, authenticated=authenticated)
    settle(world, invoice, intent, decline)
    return decline


def settle(world: World, invoice: Json, intent: Json, decline: Decline | None) -> None:
    """Note the outcome of an attempt on the invoice, and on its subscription."""
    world.change(invoice, attempted=True, attempt_count=invoice["attempt_count"] + 1)
    if intent["status"] == "succeeded":
        invoice_status.mark_paid(world, invoice, intent)
    else:
        _failed(world, invoice, action_required=decline is None)


def default_method(world: World, invoice: Json) -> Json | None:
    """Return the payment method for an invoice: its own default, its subscription's, or its customer's
    (https://docs.stripe.com/billing/subscriptions/payment-methods-setting).
    """
    if invoice["default_payment_method"]:
        return world.get("payment_method", invoice["default_payment_method"])
    return default_method_of(world, invoices.subscription_of(world, invoice) or invoice)


def default_method_of(world: World, doc: Json) -> Json | None:
    """Return the default payment method of `doc`, or else of its customer; None without either."""
    customer = world.get("customer", doc["customer"])
    chosen = doc["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    return world.get("payment_method", chosen) if chosen else None


def stop_collecting_from(world: World, customer: str) -> None:
    """Leave the invoices of a deleted customer as they are: none is finalized or collected any more."""
    for invoice in world.find("invoice", customer=customer):
        world.store.unschedule(invoice_status.FINALIZE, invoice["id"])
        world.store.unschedule(invoice_status.RETRY, invoice["id"])


@due(invoice_status.FINALIZE)
def finalize_due(world: World, invoice_id: str) -> None:
    """Finalize a draft whose hour of grace is over, once `invoice.created` was answered, and try to be paid."""
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        return
    if _is_unanswered(world, invoice):
        world.schedule(invoice_status.FINALIZE, invoice_id, due_at=world.now + LOOK_AGAIN_S)
        return
    invoice_status.finalize(world, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(world, invoice)


def _is_unanswered(world: World, invoice: Json) -> bool:
    if world.now >= invoice["created"] + invoices.UNANSWERED_DRAFT_S:
        return False
    return Deliveries(world.store).is_unanswered(invoice.get("_announced_by", ""))


@due(invoice_status.RETRY)
def retry_due(world: World, invoice_id: str) -> None:
    """Try again to be paid, if the invoice is still open."""
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] == "open":
        collect(world, invoice)


def bill_now(world: World, subscription: Json, lines: list[Json], *, reason: str) -> Json:
    """Draft an invoice of `lines` and finalize it at once. `reason` is Stripe's `billing_reason`."""
    now = world.now
    invoice = invoices.draft(
        world, subscription=subscription, reason=reason, lines=lines, period=(now, now), finalizes_at=None
    )
    world.change(subscription, latest_invoice=invoice["id"])
    return invoice_status.finalize(world, invoice)


def finalize_and_collect(world: World, invoice: Json) -> None:
    """Finalize a draft without the hour of grace, and try to be paid."""
    invoice_status.finalize(world, invoice)
    if invoice["status"] == "open":
        collect(world, invoice)


def collect(world: World, invoice: Json, *, off_session: bool = True) -> Decline | None:
    """Make the automatic attempt, and return its decline, if any. Without a payment method it counts as failed."""
    if default_method(world, invoice) is None:
        world.change(invoice, attempted=True, attempt_count=invoice["attempt_count"] + 1)
        _failed(world, invoice, action_required=False)
        return None
    return attempt(world, invoice, off_session=off_session)


def await_payment(world: World, invoice: Json) -> None:
    """Leave an open invoice to the customer. The subscription is past due until they pay
    (https://docs.stripe.com/api/subscriptions/update, `payment_behavior=default_incomplete`).
    """
    if subscription := invoices.subscription_of(world, invoice):
        subscription_status.payment_failed(world, subscription)


def _failed(world: World, invoice: Json, *, action_required: bool) -> None:
    next_attempt = _next_attempt(world, invoice)
    world.change(invoice, next_payment_attempt=next_attempt)
    if action_required:
        world.emit("invoice.payment_action_required", invoice)
    world.emit("invoice.payment_failed", invoice)
    subscription = invoices.subscription_of(world, invoice)
    if subscription is None or subscription["status"] == "incomplete":
        return
    subscription_status.payment_failed(world, subscription)
    if next_attempt:
        world.schedule(invoice_status.RETRY, invoice["id"], due_at=next_attempt)
    else:
        _give_up(world, subscription)


def _next_attempt(world: World, invoice: Json) -> int | None:
    if invoice["billing_reason"] == "subscription_create" or invoice["attempt_count"] > len(RETRY_AFTER_DAYS):
        return None
    return world.now + RETRY_AFTER_DAYS[invoice["attempt_count"] - 1] * DAY_S


def _give_up(world: World, subscription: Json) -> None:
    """Do what is set for the end of all attempts. A subscription that has ended stays as it is."""
    if subscription["status"] in subscription_status.OVER:
        return
    ending = world.store.setting(WHEN_RETRIES_END) or "cancel"
    if ending == "cancel":
        subscription_status.end(world, subscription, status="canceled", reason="payment_failed")
    elif ending == "unpaid":
        world.change(subscription, event="customer.subscription.updated", status="unpaid")
