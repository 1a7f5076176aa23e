"""How an invoice's status moves: finalized, paid, voided, given up (https://docs.stripe.com/invoicing/overview)."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.balances import credits, customer_balance
from sandbox.stripe_api.billing import invoice_lines, invoices, subscription_status
from sandbox.stripe_api.payments import payments
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.world import World

FINALIZE = "invoice.finalize"
RETRY = subscription_status.RETRY


def finalize(world: World, invoice: Json) -> Json:
    """Move a draft to open with late usage counted in; one with nothing to pay becomes paid.

    Raises InvalidRequest for another status.
    """
    if invoice["status"] != "draft":
        raise InvalidRequest("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    world.store.unschedule(FINALIZE, invoice["id"])
    invoice["_lines"] = [invoice_lines.refreshed(world, line) for line in invoice["_lines"]]
    customer = world.get("customer", invoice["customer"])
    invoice["starting_balance"] = customer["balance"]
    amounts = invoices.reckoned(world, invoice, spend_credits=True)
    page = f"{world.base_url}/invoice/{invoice['id']}"
    world.change(
        invoice,
        **amounts,
        **invoices.shown_customer(world, customer),
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
    invoices.use_up_discounts(world, invoice)
    _give_up_tax(world, invoice)
    if invoice["amount_due"]:
        _open_payment(world, invoice)
    world.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        mark_paid(world, invoice)
    return invoice


def mark_paid(world: World, invoice: Json, intent: Json | None = None) -> None:
    """Note that the invoice is paid, by `intent` or because nothing was due, and let its subscription run."""
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
    """Move an open or uncollectible invoice to void: nothing is owed any more. Raises InvalidRequest for another
    status.
    """
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
    if intent := invoices.intent_of(world, invoice):
        payments.cancel_intent(world, intent, reason="void_invoice")
        _close_payment(world, invoice, "canceled")
    _move_balance(world, invoice, back=True)
    credits.give_back(world, invoice)
    world.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(world: World, invoice: Json) -> Json:
    """Move an open invoice to uncollectible: it is owed, but not collected. Raises InvalidRequest for another
    status.
    """
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


def _move_balance(world: World, invoice: Json, *, back: bool = False) -> None:
    """Take the customer's balance towards a finalized invoice.

    An amount too small to charge, and a negative one, go onto the balance. `back` undoes either.
    """
    moved = invoice["ending_balance"] - invoice["starting_balance"]
    kind = "applied_to_invoice" if moved > 0 else "adjustment"
    if moved > 0 and invoice["total"] > 0 and invoice["starting_balance"] >= 0:
        kind = "invoice_too_small"
    customer_balance.add_transaction(
        world,
        invoice["customer"],
        amount=-moved if back else moved,
        kind="unapplied_from_invoice" if back else kind,
        currency=invoice["currency"],
        invoice=invoice["id"],
    )


def _give_up_tax(world: World, invoice: Json) -> None:
    """Stop automatic tax on a subscription whose invoice was finalized without, since nobody knows the place
    (https://docs.stripe.com/tax/customer-locations, "Finalizing invoices with finalization failures").
    """
    subscription = invoices.subscription_of(world, invoice)
    if subscription and invoice["automatic_tax"]["disabled_reason"]:
        stopped = {"disabled_reason": "requires_location_inputs", "enabled": False, "liability": None}
        world.change(subscription, event="customer.subscription.updated", automatic_tax=stopped)


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
