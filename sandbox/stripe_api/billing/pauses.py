"""Paused collection (https://docs.stripe.com/billing/subscriptions/pause-payment): the subscription goes on, and its
invoices stay drafts, are voided, or are marked uncollectible.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import invoice_status
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

RESUME = "subscription.resume_collection"


def paused_fields(world: World, subscription: Json, wanted: Params | str) -> Json:
    """Return the fields that a pause changes, or its end where `wanted` is an empty text. Raises InvalidRequest."""
    world.store.unschedule(RESUME, subscription["id"])
    if isinstance(wanted, str):
        return {"pause_collection": None}
    resumes_at = wanted.get("resumes_at")
    if resumes_at is not None:
        if resumes_at <= world.now:
            raise InvalidRequest("`resumes_at` must be in the future.", param="pause_collection[resumes_at]")
        world.schedule(RESUME, subscription["id"], due_at=resumes_at)
    return {"pause_collection": {"behavior": wanted["behavior"], "resumes_at": resumes_at}}


@due(RESUME)
def resume(world: World, subscription_id: str) -> None:
    """End a pause whose `resumes_at` has come."""
    subscription = world.get("subscription", subscription_id)
    world.change(subscription, event="customer.subscription.updated", pause_collection=None)


def apply_to_draft(world: World, subscription: Json, invoice: Json) -> None:
    """Treat a new draft as the subscription's pause says; without a pause, leave it alone."""
    pause = subscription["pause_collection"]
    if pause is None:
        return
    world.store.unschedule(invoice_status.FINALIZE, invoice["id"])
    world.change(invoice, auto_advance=False, automatically_finalizes_at=None, next_payment_attempt=None)
    if pause["behavior"] == "keep_as_draft":
        return
    invoice_status.finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if pause["behavior"] == "void":
        invoice_status.void(world, invoice)
    else:
        invoice_status.mark_uncollectible(world, invoice)
