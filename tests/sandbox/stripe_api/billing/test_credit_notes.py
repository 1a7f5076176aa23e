"""Credit notes, refunds and disputes: money that goes back, and by which way."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.contract import problems
from tests.sandbox.shop import Shop


def paid_invoice(shop: Shop, *, card: str = "pm_card_visa") -> stripe.Invoice:
    """An invoice of $10.00."""
    customer = shop.customer(card=card)
    shop.subscribe(customer)
    return shop.invoices(customer)[0]


def note(shop: Shop, invoice: stripe.Invoice, **params: Any) -> stripe.CreditNote:
    given: Any = {"invoice": invoice.id, **params}
    return shop.stripe.v1.credit_notes.create(given)


def charge_of(shop: Shop, invoice: stripe.Invoice) -> stripe.Charge:
    return shop.stripe.v1.charges.list({"customer": str(invoice.customer)}).data[0]


def types_of(shop: Shop) -> list[str]:
    return [event["type"] for event in shop.sandbox.control("GET", "/events?limit=1000")["events"]]


def test_a_paid_invoice_is_refunded_in_parts(shop: Shop):
    invoice = paid_invoice(shop)

    first = note(shop, invoice, amount=300, refund_amount=300, reason="order_change")
    note(shop, invoice, amount=700, refund_amount=700)

    charge, again = charge_of(shop, invoice), shop.stripe.v1.invoices.retrieve(str(invoice.id))
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert (again.status, again.post_payment_credit_notes_amount) == ("paid", 1000)
    assert (first.number, first.type) == (f"{invoice.number}-CN-01", "post_payment")
    assert {"credit_note.created", "refund.created", "charge.refunded"} <= set(types_of(shop))


def test_credit_goes_onto_the_balance_and_off_the_next_invoice(shop: Shop):
    invoice = paid_invoice(shop)

    note(shop, invoice, amount=300, credit_amount=300)
    shop.sandbox.advance("1 month")
    shop.sandbox.advance("1 hour")

    assert shop.invoices(str(invoice.customer))[-1].amount_due == 700


def test_an_open_invoice_becomes_smaller_and_then_paid(shop: Shop):
    customer = shop.customer(card=None)
    shop.subscribe(customer, payment_behavior="default_incomplete")
    invoice = shop.invoices(customer)[0]

    note(shop, invoice, amount=400)
    left = shop.stripe.v1.invoices.retrieve(str(invoice.id))
    note(shop, invoice, amount=600)

    assert (left.status, left.amount_remaining, left.pre_payment_credit_notes_amount) == ("open", 600, 400)
    assert shop.stripe.v1.invoices.retrieve(str(invoice.id)).status == "paid"


def test_a_note_of_an_open_invoice_can_be_voided(shop: Shop):
    customer = shop.customer(card=None)
    shop.subscribe(customer, payment_behavior="default_incomplete")
    made = note(shop, shop.invoices(customer)[0], amount=400)

    shop.stripe.v1.credit_notes.void_credit_note(made.id)

    assert shop.invoices(customer)[0].amount_remaining == 1000


@pytest.mark.parametrize(
    "params",
    [
        {"amount": 1001, "refund_amount": 1001},
        {"amount": 0, "refund_amount": 0},
        {"amount": 300},
        {"amount": 300, "refund_amount": 200},
        {"refund_amount": 300},
        {"amount": 300, "refund_amount": 300, "reason": "because"},
    ],
    ids=str,
)
def test_refuses_a_note_that_cannot_be(shop: Shop, params: dict[str, Any]):
    invoice = paid_invoice(shop)

    with pytest.raises(stripe.InvalidRequestError):
        note(shop, invoice, **params)


def test_a_preview_changes_nothing(shop: Shop):
    invoice = paid_invoice(shop)

    shown = shop.stripe.v1.credit_notes.preview({"invoice": str(invoice.id), "amount": 100, "refund_amount": 100})

    assert (shown.amount, charge_of(shop, invoice).amount_refunded) == (100, 0)


def test_refuses_to_refund_more_than_is_left(shop: Shop):
    charge = charge_of(shop, paid_invoice(shop))
    shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 400})

    with pytest.raises(stripe.InvalidRequestError, match=r"\$7.00\) is greater than .*\$6.00"):
        shop.stripe.v1.refunds.create({"charge": charge.id, "amount": 700})
    shop.stripe.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({"charge": charge.id})

    assert refused.value.code == "charge_already_refunded"


@pytest.mark.parametrize(("evidence", "outcome"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_a_disputed_charge_is_decided_by_the_evidence(shop: Shop, evidence: str, outcome: str):
    charge = charge_of(shop, paid_invoice(shop, card="pm_card_createDispute"))
    dispute = shop.stripe.v1.disputes.list({"charge": charge.id}).data[0]
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        shop.stripe.v1.refunds.create({"charge": charge.id})

    shop.stripe.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})

    moved = [one.amount for one in shop.stripe.v1.disputes.retrieve(dispute.id).balance_transactions]
    assert (dispute.status, shop.stripe.v1.disputes.retrieve(dispute.id).status) == ("needs_response", outcome)
    assert moved == ([-1000, 1000] if outcome == "won" else [-1000])
    assert "charge.dispute.closed" in types_of(shop)


def test_an_inquiry_takes_no_money(shop: Shop):
    charge = charge_of(shop, paid_invoice(shop, card="pm_card_createDisputeInquiry"))
    dispute = shop.stripe.v1.disputes.list({"charge": charge.id}).data[0]

    shop.stripe.v1.disputes.close(dispute.id)

    assert (dispute.status, dispute.balance_transactions, charge.disputed) == ("warning_needs_response", [], False)
    assert shop.stripe.v1.disputes.retrieve(dispute.id).status == "warning_closed"


def test_answers_fit_the_sdk(shop: Shop):
    note(shop, paid_invoice(shop), amount=300, refund_amount=200, credit_amount=100)
    paid_invoice(shop, card="pm_card_createDispute")

    for path in ("credit_notes", "refunds", "disputes", "charges?expand[]=data.refunds", "balance_transactions"):
        assert problems(shop.sandbox.call("GET", f"/v1/{path}").json(), at=path) == []
    events = shop.sandbox.control("GET", "/events?limit=1000")["events"]
    assert [problem for event in events for problem in problems(event["data"]["object"], at=event["type"])] == []
