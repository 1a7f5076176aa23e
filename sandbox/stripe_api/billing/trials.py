"""Free trials (https://docs.stripe.com/billing/subscriptions/trials): until they end nothing is paid, and usage is not
billed.
"""

from __future__ import annotations

from sandbox.clock import DAY_S
from sandbox.store import Json
from sandbox.stripe_api.billing import collection, subscription_status
from sandbox.stripe_api.billing.subscription_status import RENEW
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

WILL_END = "subscription.trial_will_end"
# `customer.subscription.trial_will_end` comes three days ahead, or at once (https://docs.stripe.com/api/events/types).
NOTICE_S = 3 * DAY_S
LONGEST_S = 730 * DAY_S


def ends_at(world: World, params: Params) -> int | None:
    """Return the end of the wanted trial, or None without one. Raises InvalidRequest."""
    days, end = params.get("trial_period_days"), params.get("trial_end")
    if days is not None and end is not None:
        raise InvalidRequest("You may only specify one of these parameters: trial_end, trial_period_days.")
    if days is not None:
        if not 1 <= days <= 730:
            raise InvalidRequest("Trials last 1 to 730 days.", param="trial_period_days")
        return world.now + int(days) * DAY_S
    if end in (None, "now"):
        return None
    if not world.now < end <= world.now + LONGEST_S:
        raise InvalidRequest(
            "Invalid timestamp: must be an integer Unix timestamp in the future, two years ahead at most.",
            param="trial_end",
        )
    return int(end)


def trial_fields(world: World, end: int | None, params: Params) -> Json:
    """Return the fields that show a subscription's trial."""
    behavior = params.get("trial_settings", {}).get("end_behavior", {})
    missing = behavior.get("missing_payment_method", "create_invoice")
    return {
        "status": "trialing" if end else "incomplete",
        "trial_end": end,
        "trial_settings": {"end_behavior": {"missing_payment_method": missing}},
        "trial_start": world.now if end else None,
    }


def schedule_notice(world: World, subscription: Json) -> None:
    """Schedule the notice of the trial's end."""
    if end := subscription["trial_end"]:
        world.schedule(WILL_END, subscription["id"], due_at=max(world.now, end - NOTICE_S))


@due(WILL_END)
def announce_end(world: World, subscription_id: str) -> None:
    """Emit the notice of the trial's end, if the trial still runs."""
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] == "trialing":
        world.emit("customer.subscription.trial_will_end", subscription)


def end_without_card(world: World, subscription: Json) -> bool:
    """Cancel or pause a subscription whose trial is over and that has no payment method, if it is set to do so.

    Returns whether it did.
    """
    wanted = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if wanted == "create_invoice" or collection.default_method_of(world, subscription):
        return False
    if wanted == "cancel":
        subscription_status.end(world, subscription, status="canceled", reason=None)
        return True
    world.store.unschedule(RENEW, subscription["id"])
    world.change(subscription, event="customer.subscription.updated", status="paused")
    world.emit("customer.subscription.paused", subscription)
    return True
