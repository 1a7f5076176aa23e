"""Getting invoices paid: finalizing, the automatic attempt, retries, and what happens when they run out."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.balances import credits, customer_balance
from sandbox.stripe_api.billing import invoice_lines, invoices, subscription_status
from sandbox.stripe_api.payments import payments
from sandbox.stripe_api.payments.cards import Decline
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

FINALIZE = "invoice.finalize"
RETRY = "invoice.retry"
# Stripe's own "smart" schedule is not public; these are the days of its custom retry schedule's default
# (https://docs.stripe.com/billing/revenue-recovery/smart-retries#custom-retry-schedule).
RETRY_AFTER_DAYS = (3, 5, 7)
# What becomes of a subscription whose last retry failed: a setting of the account at Stripe, of the sandbox here.
WHEN_RETRIES_END = "when_retries_end"
ENDINGS = ("cancel", "unpaid", "past_due")


def finalize(world: World, invoice: Json) -> Json:
    """Draft -> open, with late usage counted in; an invoice of nothing is paid at once. Raises InvalidRequest for
    another status.
    """
    if invoice["status"] != "draft":
        raise InvalidRequest("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    world.store.unschedule(FINALIZE, invoice["id"])
    invoice["_lines"] = [invoice_lines.refreshed(world, line) for line in invoice["_lines"]]
    invoice["_lines"] = credits.apply(world, invoice)
    invoice["starting_balance"] = world.get("customer", invoice["customer"])["balance"]
    amounts = invoices.totals(invoice)
    page = f"{world.base_url}/invoice/{invoice['id']}"
    world.change(
        invoice,
        **amounts,
        automatically_finalizes_at=None,
        effective_at=world.now,
        ending_balance=invoice["starting_balance"] + amounts["total"] - amounts["amount_due"],
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        number=_next_number(world, invoice),
        status="open",
        status_transitions={**invoice["status_transitions"], "finalized_at": world.now},
    )
    _move_balance(world, invoice)
    if invoice["amount_due"]:
        _open_payment(world, invoice)
    world.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        mark_paid(world, invoice)
    return invoice


def attempt(
    world: World, invoice: Json, *, method: Json | None = None, off_session: bool = True, authenticated: bool = False
) -> Decline | None:
    """Try to pay an open invoice with `method`, or with the default one.

    Returns the decline, None where it was paid or waits for the customer to authenticate. Raises InvalidRequest where
    it cannot be paid or there is nothing to pay with.
    """
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(f"Invoice is {invoice['status']} and cannot be paid.", code="invoice_not_payable")
    method = method or default_method(world, invoice)
    if method is None:
        raise InvalidRequest("Cannot charge a customer that has no default payment method.", code="missing")
    intent = intent_of(world, invoice)
    decline = payments.confirm(world, intent, method, off_session=off_session, authenticated=authenticated)
    settle(world, invoice, intent, decline)
    return decline


def settle(world: World, invoice: Json, intent: Json, decline: Decline | None) -> None:
    """Write down on the invoice what came of an attempt to pay it."""
    world.change(invoice, attempted=True, attempt_count=invoice["attempt_count"] + 1)
    if intent["status"] == "succeeded":
        mark_paid(world, invoice, intent)
    else:
        _failed(world, invoice, action_required=decline is None)


def default_method(world: World, invoice: Json) -> Json | None:
    """What pays it: its own default, its subscription's, its customer's
    (https://docs.stripe.com/billing/subscriptions/payment-methods-setting).
    """
    if invoice["default_payment_method"]:
        return world.get("payment_method", invoice["default_payment_method"])
    return payer_of(world, invoices.subscription_of(world, invoice) or invoice)


def payer_of(world: World, doc: Json) -> Json | None:
    """The default payment method of a subscription, or else of the customer of any `doc`."""
    customer = world.get("customer", doc["customer"])
    chosen = doc["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    return world.get("payment_method", chosen) if chosen else None


def intent_of(world: World, invoice: Json) -> Json:
    payment = invoices.payment_of(world, invoice)
    if payment is None:
        raise InvalidRequest("This invoice has nothing to pay.", code="invoice_not_payable")
    return world.get("payment_intent", payment["payment"]["payment_intent"])


def mark_paid(world: World, invoice: Json, intent: Json | None = None) -> None:
    """The invoice is paid, by `intent` or because it was of nothing; its subscription runs."""
    world.store.unschedule(RETRY, invoice["id"])
    world.change(
        invoice,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": world.now},
    )
    if intent:
        _close_payment(world, invoice, "paid")
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    subscription = invoices.subscription_of(world, invoice)
    if subscription:
        if intent and subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
            world.change(subscription, default_payment_method=intent["payment_method"])
        subscription_status.activate(world, subscription)


def void(world: World, invoice: Json) -> Json:
    """Open or uncollectible -> void: nothing is owed any more. Raises InvalidRequest for another status."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(f"You can only void open or uncollectible invoices. This one is {invoice['status']}.")
    world.store.unschedule(RETRY, invoice["id"])
    world.change(
        invoice,
        auto_advance=False,
        next_payment_attempt=None,
        status="void",
        status_transitions={**invoice["status_transitions"], "voided_at": world.now},
    )
    if payment := invoices.payment_of(world, invoice):
        payments.cancel_intent(
            world, world.get("payment_intent", payment["payment"]["payment_intent"]), reason="void_invoice"
        )
        _close_payment(world, invoice, "canceled")
    _move_balance(world, invoice, back=True)
    credits.give_back(world, invoice)
    world.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(world: World, invoice: Json) -> Json:
    """Open -> uncollectible: it is still owed, but no longer asked for. Raises InvalidRequest for another status."""
    if invoice["status"] != "open":
        raise InvalidRequest(f"You can only mark open invoices as uncollectible. This one is {invoice['status']}.")
    world.store.unschedule(RETRY, invoice["id"])
    return world.change(
        invoice,
        event="invoice.marked_uncollectible",
        status="uncollectible",
        status_transitions={**invoice["status_transitions"], "marked_uncollectible_at": world.now},
        auto_advance=False,
        next_payment_attempt=None,
    )


def stop_for(world: World, customer: str) -> None:
    """Leave the invoices of a deleted customer where they are: nothing is finalized or collected any more."""
    for invoice in world.find("invoice", customer=customer):
        world.store.unschedule(FINALIZE, invoice["id"])
        world.store.unschedule(RETRY, invoice["id"])


@due(FINALIZE)
def finalize_due(world: World, invoice_id: str) -> None:
    """The hour of grace is over: finalize, and try to be paid."""
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] != "draft":
        return
    finalize(world, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(world, invoice)


@due(RETRY)
def retry_due(world: World, invoice_id: str) -> None:
    invoice = world.get("invoice", invoice_id)
    if invoice["status"] == "open":
        collect(world, invoice)


def collect(world: World, invoice: Json, *, off_session: bool = True) -> Decline | None:
    """The automatic attempt; without a payment method it counts as failed. Returns the decline, if any."""
    if default_method(world, invoice) is None:
        world.change(invoice, attempted=True, attempt_count=invoice["attempt_count"] + 1)
        _failed(world, invoice, action_required=False)
        return None
    return attempt(world, invoice, off_session=off_session)


def await_payment(world: World, invoice: Json) -> None:
    """Leave an open invoice to the customer: the subscription is past due until they pay
    (https://docs.stripe.com/api/subscriptions/update, `payment_behavior=default_incomplete`).
    """
    if subscription := invoices.subscription_of(world, invoice):
        subscription_status.payment_failed(world, subscription)


def _move_balance(world: World, invoice: Json, *, back: bool = False) -> None:
    """Take what the balance pays of a finalized invoice, or keep there what is too small to charge or negative."""
    moved = invoice["ending_balance"] - invoice["starting_balance"]
    kind = "applied_to_invoice" if moved > 0 else "adjustment"
    if moved > 0 and invoice["total"] > 0 and invoice["starting_balance"] >= 0:
        kind = "invoice_too_small"
    customer_balance.move(
        world,
        invoice["customer"],
        amount=-moved if back else moved,
        kind="unapplied_from_invoice" if back else kind,
        currency=invoice["currency"],
        invoice=invoice["id"],
    )


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
        world.schedule(RETRY, invoice["id"], due_at=next_attempt)
    else:
        _give_up(world, subscription)


def _next_attempt(world: World, invoice: Json) -> int | None:
    if invoice["billing_reason"] == "subscription_create" or invoice["attempt_count"] > len(RETRY_AFTER_DAYS):
        return None
    return world.now + RETRY_AFTER_DAYS[invoice["attempt_count"] - 1] * 24 * 3600


def _give_up(world: World, subscription: Json) -> None:
    ending = world.store.setting(WHEN_RETRIES_END) or "cancel"
    if ending == "cancel":
        subscription_status.end(world, subscription, status="canceled", reason="payment_failed")
    elif ending == "unpaid":
        world.change(subscription, event="customer.subscription.updated", status="unpaid")


def _next_number(world: World, invoice: Json) -> str:
    customer = world.get("customer", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    world.change(customer, next_invoice_sequence=sequence + 1)
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _open_payment(world: World, invoice: Json) -> None:
    reason = "Subscription creation" if invoice["billing_reason"] == "subscription_create" else "Subscription update"
    intent = payments.create_intent(
        world,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        invoice=invoice["id"],
        description=reason if invoice["_subscription"] else "Payment for Invoice",
        setup_future_usage="off_session",
    )
    world.add(
        {
            "id": ids.new("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": world.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def _close_payment(world: World, invoice: Json, status: str) -> None:
    payment = invoices.payment_of(world, invoice)
    if payment is None:
        return
    moment = "paid_at" if status == "paid" else "canceled_at"
    paid = invoice["amount_due"] if status == "paid" else None
    world.change(
        payment,
        amount_paid=paid,
        status=status,
        status_transitions={**payment["status_transitions"], moment: world.now},
    )
    if status == "paid":
        world.emit("invoice_payment.paid", payment)
