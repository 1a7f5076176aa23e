"""Billing credits: the ledger of each grant, and how an invoice spends credits when it is finalized
(https://docs.stripe.com/billing/subscriptions/usage-based/billing-credits).
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.balances import discounts
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.protocol import ids
from sandbox.stripe_api.protocol.world import World

KIND = "billing.credit_balance_transaction"
_FOR_EVER = 1 << 62


def book(world: World, grant: Json, *, amount: int, reason: str, about: Json | None = None) -> Json:
    """Add `amount` cents to a grant, or take them where it is negative.

    `reason` is Stripe's type of credit or debit. `about` names the invoice and the line that the credit is applied to.
    """
    side = "credit" if amount > 0 else "debit"
    detail = "credits_application_invoice_voided" if side == "credit" else "credits_applied"
    monetary = {"currency": grant["amount"]["monetary"]["currency"], "value": abs(amount)}
    entry = {"amount": {"monetary": monetary, "type": "monetary"}, detail: about, "type": reason}
    doc = {
        "id": ids.new("cbtxn_test", length=32),
        "object": KIND,
        "created": world.now,
        "credit": entry if side == "credit" else None,
        "credit_grant": grant["id"],
        "debit": entry if side == "debit" else None,
        "effective_at": max(world.now, grant["effective_at"]) if reason == "credits_granted" else world.now,
        "livemode": False,
        "test_clock": None,
        "type": side,
        "_amount": amount,
        "_customer": grant["customer"],
    }
    return world.add(doc, event="billing.credit_balance_transaction.created")


def remaining(world: World, grant: Json) -> int:
    """Return the rest of a grant, in cents."""
    return sum(int(doc["_amount"]) for doc in world.find(KIND, credit_grant=grant["id"]))


def usable(world: World, customer: str, currency: str) -> list[Json]:
    """Return the grants in effect, in the order Stripe spends them: by priority, then the first to expire, then the
    free before the paid, then the oldest.
    """
    found = [
        grant
        for grant in world.find("billing.credit_grant", customer=customer)
        if grant["amount"]["monetary"]["currency"] == currency and _in_effect(world, grant)
    ]
    return sorted(found, key=_spending_order)


def apply(world: World, invoice: Json) -> list[Json]:
    """Spend credits on the lines of metered usage, the only ones that may take them. Returns the invoice's lines."""
    grants = {grant["id"]: grant for grant in usable(world, invoice["customer"], invoice["currency"])}
    rest = {grant_id: remaining(world, grant) for grant_id, grant in grants.items()}
    return [_credited(world, invoice, line, grants, rest) for line in invoice["_lines"]]


def give_back(world: World, invoice: Json) -> None:
    """Return to the grants what an invoice took from them."""
    for line in invoice["_lines"]:
        for taken in line["pretax_credit_amounts"]:
            if taken["type"] == "discount":
                continue
            debit = world.get(KIND, taken["credit_balance_transaction"])
            grant = world.get("billing.credit_grant", debit["credit_grant"])
            about = {"invoice": invoice["id"], "invoice_line_item": line["id"]}
            book(world, grant, amount=taken["amount"], reason="credits_application_invoice_voided", about=about)


def _credited(world: World, invoice: Json, line: Json, grants: dict[str, Json], rest: dict[str, int]) -> Json:
    kept = [one for one in line["pretax_credit_amounts"] if one["type"] == "discount"]
    open_amount, taken = line["amount"] - discounts.taken(line), kept
    for grant_id, grant in grants.items():
        used = min(rest[grant_id], open_amount)
        if used <= 0 or not _applies(world, grant, line):
            continue
        about = {"invoice": invoice["id"], "invoice_line_item": line["id"]}
        booked = book(world, grant, amount=-used, reason="credits_applied", about=about)
        taken.append(
            {
                "amount": used,
                "credit_balance_transaction": booked["id"],
                "discount": None,
                "type": "credit_balance_transaction",
            }
        )
        rest[grant_id] -= used
        open_amount -= used
    return {**line, "pretax_credit_amounts": taken}


def _applies(world: World, grant: Json, line: Json) -> bool:
    """Tell whether the grant may pay the line: usage of a subscription's meters, and of the grant's own prices if it
    names any.
    """
    if not line.get("_usage_of"):
        return False
    price = world.get("price", line["pricing"]["price_details"]["price"])
    named = grant["applicability_config"]["scope"].get("prices")
    return prices.is_metered(price) and (not named or price["id"] in {one["id"] for one in named})


def _in_effect(world: World, grant: Json) -> bool:
    expires_at = grant["expires_at"] or _FOR_EVER
    return grant["voided_at"] is None and bool(grant["effective_at"] <= world.now < expires_at)


def _spending_order(grant: Json) -> tuple[int, int, bool, int, int]:
    expires_at = grant["expires_at"] or _FOR_EVER
    return (grant["priority"], expires_at, grant["category"] == "paid", grant["effective_at"], grant["created"])
