"""Renewals: a new billing period begins, and an invoice bills its base and the usage of the last one."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.billing import (
    invoice_lines,
    invoice_status,
    invoices,
    pauses,
    pending_items,
    periods,
    subscription_items,
    subscription_status,
    trials,
)
from sandbox.stripe_api.billing.subscription_status import EXPIRE, RENEW
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World


@due(RENEW)
def renew(world: World, subscription_id: str) -> None:
    """Begin the next period with a draft invoice, or end the subscription if that was asked for."""
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] in (*subscription_status.OVER, "paused"):
        return
    before = world.render(subscription)
    items = subscription_items.items_of(world, subscription_id)
    if subscription["cancel_at_period_end"] or subscription["cancel_at"] == world.now:
        final_invoice(world, subscription, items, draft_for_s=invoices.DRAFT_S)
        subscription_status.end(world, subscription, status="canceled", reason=None)
        return
    if subscription["status"] == "trialing" and trials.end_without_card(world, subscription):
        return
    invoice = next_invoice(world, subscription, items)
    if subscription["status"] == "trialing":
        world.change(subscription, status="active")
    world.emit_changes("customer.subscription.updated", subscription, before=before)
    if invoice:
        pauses.apply_to_draft(world, subscription, invoice)


def next_invoice(world: World, subscription: Json, items: list[Json]) -> Json | None:
    """Begin the next period and draft its invoice. Returns None where there is nothing to bill."""
    lines, started_at = cycle_lines(world, subscription, items), _started_at(items)
    _begin_next_period(world, subscription, items)
    if not lines:
        return None
    invoice = _draft(world, subscription, lines, period=(started_at, world.now), draft_for_s=invoices.DRAFT_S)
    world.change(subscription, latest_invoice=invoice["id"])
    return invoice


@due(EXPIRE)
def expire_incomplete(world: World, subscription_id: str) -> None:
    """End a subscription that went 23 hours without its first payment, and void its invoice.

    One that was to be resumed stays paused.
    """
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] not in ("incomplete", "paused"):
        return
    if subscription["status"] == "incomplete":
        subscription_status.end(world, subscription, status="incomplete_expired", reason=None)
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoice_status.void(world, invoice)


def final_invoice(world: World, subscription: Json, items: list[Json], *, draft_for_s: int) -> Json | None:
    """Draft the last invoice of a subscription that ends now: usage up to and including this second, and pending items.

    Returns None where there is nothing to bill.
    """
    lines = final_lines(world, subscription, items)
    if not lines:
        return None
    invoice = _draft(world, subscription, lines, period=(_started_at(items), world.now), draft_for_s=draft_for_s)
    world.change(subscription, latest_invoice=invoice["id"])
    return invoice


def final_lines(world: World, subscription: Json, items: list[Json]) -> list[Json]:
    """Return the pending lines, and the usage of the running period up to now unless it was on trial."""
    usage = [
        invoice_lines.usage_line(
            world, item, starts_at=item["current_period_start"], ends_at=min(world.now + 1, item["current_period_end"])
        )
        for item in items
        if prices.is_metered(subscription_items.price_of(world, item)) and subscription["status"] != "trialing"
    ]
    return [*pending_lines(world, subscription), *usage]


def pending_lines(world: World, subscription: Json) -> list[Json]:
    """Return the lines of the pending items that the subscription's next invoice takes."""
    customer, currency = subscription["customer"], subscription["currency"]
    return pending_items.take(world, customer=customer, subscription=subscription["id"], currency=currency)


def first_period_end(*, anchor: int, recurring: Json) -> int:
    """Return the end of the first period, in unix seconds."""
    return periods.next_end(anchor=anchor, recurring=recurring, after=anchor)


def cycle_lines(world: World, subscription: Json, items: list[Json]) -> list[Json]:
    """Return the pending lines, the base of the period that begins, and the usage of the one that ends unless it was on
    trial.
    """
    usage, base = [], []
    for item in items:
        price = subscription_items.price_of(world, item)
        start, end = item["current_period_start"], item["current_period_end"]
        if prices.is_metered(price) and subscription["status"] == "trialing":
            world.change(item, _usage_from=end)
        elif prices.is_metered(price):
            usage.append(invoice_lines.usage_line(world, item, starts_at=start, ends_at=end))
        else:
            following = _next_boundary(subscription, price, end)
            base.append(invoice_lines.advance_line(world, item, starts_at=end, ends_at=following))
    return pending_lines(world, subscription) + base + usage


def _begin_next_period(world: World, subscription: Json, items: list[Json]) -> None:
    for item in items:
        price = subscription_items.price_of(world, item)
        end = item["current_period_end"]
        world.change(item, current_period_start=end, current_period_end=_next_boundary(subscription, price, end))
    world.schedule(RENEW, subscription["id"], due_at=min(item["current_period_end"] for item in items))


def _next_boundary(subscription: Json, price: Json, after: int) -> int:
    return periods.next_end(anchor=subscription["billing_cycle_anchor"], recurring=price["recurring"], after=after)


def _started_at(items: list[Json]) -> int:
    return int(min(item["current_period_start"] for item in items))


def _draft(world: World, subscription: Json, lines: list[Json], *, period: tuple[int, int], draft_for_s: int) -> Json:
    """Draft a cycle invoice. Its own period is the past one, as at Stripe; its lines name the periods they bill."""
    invoice = invoices.draft(
        world,
        subscription=subscription,
        reason="subscription_cycle",
        lines=lines,
        period=period,
        finalizes_at=world.now + draft_for_s,
    )
    world.schedule(invoice_status.FINALIZE, invoice["id"], due_at=world.now + draft_for_s)
    return invoice
