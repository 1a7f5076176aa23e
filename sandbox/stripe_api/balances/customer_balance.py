"""A customer's balance: the amount they are owed (negative) or owe (positive). The next invoice takes it up
(https://docs.stripe.com/billing/customer/balance).
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint(
    "GET",
    "/v1/customers/{customer}/balance_transactions",
    "CustomerBalanceTransactionListParams",
    f"{LISTING} created invoice",
)
def list_all(world: World, params: Params, customer: str) -> Json:
    """List the transactions of a customer's balance, newest first."""
    world.get("customer", customer)
    filters = {"customer": customer, "created": params.get("created"), "invoice": params.get("invoice")}
    url = f"/v1/customers/{customer}/balance_transactions"
    return lists.listing(world, "customer_balance_transaction", params, url=url, filters=filters)


@endpoint(
    "GET",
    "/v1/customers/{customer}/balance_transactions/{transaction}",
    "CustomerBalanceTransactionRetrieveParams",
)
def retrieve(world: World, params: Params, customer: str, transaction: str) -> Json:
    """Return one transaction of a customer's balance."""
    return world.get("customer_balance_transaction", transaction)


def add_transaction(
    world: World,
    customer_id: str,
    *,
    amount: int,
    kind: str,
    currency: str,
    invoice: str | None = None,
    credit_note: str | None = None,
) -> str | None:
    """Add `amount` to the balance, in cents; a negative amount is in the customer's favour.

    `kind` is Stripe's type of transaction. Returns the transaction's id; an amount of 0 leaves none.
    """
    if amount == 0:
        return None
    customer = world.get("customer", customer_id)
    balance = customer["balance"] + amount
    world.change(customer, event="customer.updated", balance=balance, currency=customer["currency"] or currency)
    doc = world.add(
        {
            "id": ids.new("cbtxn"),
            "object": "customer_balance_transaction",
            "amount": amount,
            "checkout_session": None,
            "created": world.now,
            "credit_note": credit_note,
            "currency": currency,
            "customer": customer_id,
            "customer_account": None,
            "description": None,
            "ending_balance": balance,
            "invoice": invoice,
            "livemode": False,
            "metadata": {},
            "type": kind,
        }
    )
    return str(doc["id"])
