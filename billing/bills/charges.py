"""The amount Stripe takes for an invoice: its lines, less billing credits, with the customer's balance.

Stripe applies credits to the lines of metered usage alone, when it finalizes the invoice, and the balance after them
(docs.stripe.com/billing/subscriptions/usage-based/billing-credits, docs.stripe.com/billing/customer/balance).
"""

from dataclasses import dataclass

from billing.money import format_cents

# In cents. Stripe charges no less; a smaller amount goes onto the customer's balance
# (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
MINIMUM_CHARGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The way from an invoice's lines to the amount that is taken, in whole cents.

    A negative balance is the customer's; a positive one is owed from earlier invoices.
    """

    lines_minor: int
    credits_minor: int
    balance_minor: int

    @property
    def owed_minor(self) -> int:
        """The amount that is owed with this invoice, below zero where the balance is larger."""
        return self.lines_minor - self.credits_minor + self.balance_minor

    @property
    def due_minor(self) -> int:
        """The amount that is taken from the card."""
        return self.owed_minor if self.owed_minor >= MINIMUM_CHARGE else 0

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The steps as a page shows them, each with its amount; none where the lines are what is taken."""
        steps = [
            ("Billing credits, for usage", -self.credits_minor),
            ("Your credit balance" if self.balance_minor < 0 else "Owed from earlier invoices", self.balance_minor),
            ("Too little to charge: owed with the next invoice", self._carried_minor),
            ("Stays on your credit balance", max(-self.owed_minor, 0)),
        ]
        shown = [(label, format_cents(amount)) for label, amount in steps if amount]
        return [("Sum of the rounded lines", format_cents(self.lines_minor)), *shown] if shown else []

    @property
    def _carried_minor(self) -> int:
        return -self.owed_minor if 0 < self.owed_minor < MINIMUM_CHARGE else 0


def charge_of(*, usage_minor: int, other_minor: int, credit_minor: int, balance_minor: int) -> Charge:
    """Return the charge for an invoice of metered usage and other lines, with the credits and balance there are."""
    return Charge(
        lines_minor=usage_minor + other_minor,
        credits_minor=min(max(credit_minor, 0), usage_minor),
        balance_minor=balance_minor,
    )
