"""The moves of a subscription's status
(https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses).
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol.world import World

RENEW = "subscription.renew"
EXPIRE = "subscription.expire_incomplete"
RETRY = "invoice.retry"
OVER = ("canceled", "incomplete_expired")


def activate(world: World, subscription: Json) -> None:
    """Let an incomplete, past due, unpaid or paused subscription run, since its invoice is paid."""
    before = subscription["status"]
    if before not in ("incomplete", "past_due", "unpaid", "paused"):
        return
    world.store.unschedule(EXPIRE, subscription["id"])
    world.change(subscription, event="customer.subscription.updated", status="active")
    if before == "paused":
        world.emit("customer.subscription.resumed", subscription)


def payment_failed(world: World, subscription: Json) -> None:
    """Mark an active subscription past due. Without its first payment a subscription stays incomplete."""
    if subscription["status"] == "active":
        world.change(subscription, event="customer.subscription.updated", status="past_due")


def end(world: World, subscription: Json, *, status: str, reason: str | None) -> None:
    """End a subscription for good. `reason` is Stripe's cancellation reason (`cancellation_requested`,
    `payment_failed`), if any.
    """
    world.store.unschedule(RENEW, subscription["id"])
    world.store.unschedule(EXPIRE, subscription["id"])
    details = {
        **subscription["cancellation_details"],
        "reason": reason or subscription["cancellation_details"]["reason"],
    }
    world.change(
        subscription,
        status=status,
        ended_at=world.now,
        canceled_at=subscription["canceled_at"] or world.now,
        cancellation_details=details,
    )
    if status == "canceled":
        _stop_collecting(world, subscription["customer"])
    event = "customer.subscription.deleted" if status == "canceled" else "customer.subscription.updated"
    world.emit(event, subscription, previous=None if status == "canceled" else {"status": "incomplete"})


def _stop_collecting(world: World, customer: str) -> None:
    """Stop the automatic collection of the customer's finalized invoices, which stay owed
    (https://docs.stripe.com/api/subscriptions/cancel).
    """
    for invoice in world.find("invoice", customer=customer):
        if invoice["status"] == "open" and invoice["auto_advance"]:
            world.store.unschedule(RETRY, invoice["id"])
            world.change(invoice, event="invoice.updated", auto_advance=False, next_payment_attempt=None)
