"""The amount Stripe takes for an invoice: its lines, less discounts and billing credits, with the customer's balance.

Stripe applies credits to the lines of metered usage alone, when it finalizes the invoice, and the balance after them
(docs.stripe.com/billing/subscriptions/usage-based/billing-credits, docs.stripe.com/billing/customer/balance).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from billing.credits.discounts import Discount
from billing.credits.reckoning import Item, spend, take_off, tax_on
from billing.credits.taxes import Tax
from billing.money import format_cents

# In cents. Stripe charges no less; a smaller amount goes onto the customer's balance
# (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
MINIMUM_CHARGE = 50
CREDITS_LABEL = "Billing credits, for usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The way from an invoice's lines to the amount that is taken, in whole cents.

    `discounts` and `taxes` are labels with what each takes off, or puts on; `tax_note` says why there is no tax. A
    negative balance is the customer's; a positive one is owed from earlier invoices.
    """

    lines_minor: int
    discounts: tuple[tuple[str, int], ...] = ()
    credits_minor: int
    taxes: tuple[tuple[str, int], ...] = ()
    tax_note: str = ""
    balance_minor: int

    @property
    def discounts_minor(self) -> int:
        """The cents that all discounts take off."""
        return sum(off for _, off in self.discounts)

    @property
    def total_minor(self) -> int:
        """The total on the invoice."""
        return self.lines_minor - self.discounts_minor - self.credits_minor + self.tax_minor

    @property
    def tax_minor(self) -> int:
        """The cents of all taxes."""
        return sum(tax for _, tax in self.taxes)

    @property
    def owed_minor(self) -> int:
        """The amount that is owed with this invoice, below zero where the balance is larger."""
        return self.total_minor + self.balance_minor

    @property
    def due_minor(self) -> int:
        """The amount that is taken from the card."""
        return self.owed_minor if self.owed_minor >= MINIMUM_CHARGE else 0

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The steps as a page shows them, each with its amount; none where the lines are what is taken."""
        steps = [
            *((label, -off) for label, off in self.discounts),
            (CREDITS_LABEL, -self.credits_minor),
            *self.taxes,
            ("Your credit balance" if self.balance_minor < 0 else "Owed from earlier invoices", self.balance_minor),
            ("Too little to charge: owed with the next invoice", self._carried_minor),
            ("Stays on your credit balance", max(-self.owed_minor, 0)),
        ]
        shown = [(label, format_cents(amount)) for label, amount in steps if amount]
        return [("Sum of the rounded lines", format_cents(self.lines_minor)), *shown] if shown else []

    @property
    def _carried_minor(self) -> int:
        return -self.owed_minor if 0 < self.owed_minor < MINIMUM_CHARGE else 0


class ChargeTerms(TypedDict):
    """The terms that change the amount of an invoice's lines: the arguments of `charge_of` beside them."""

    discounts: Sequence[Discount]
    taxes: Sequence[Tax]
    credit_minor: int
    balance_minor: int


def charge_of(
    items: Sequence[Item],
    *,
    discounts: Sequence[Discount] = (),
    taxes: Sequence[Tax] = (),
    credit_minor: int,
    balance_minor: int,
) -> Charge:
    """Return the charge for an invoice of these lines, with the discounts, credits, taxes and balance there are."""
    left, taken = list(items), []
    for discount in discounts:
        left, off = take_off(left, discount)
        taken.append((discount.label, off))
    left, credits_minor = spend(left, credit_minor)
    return Charge(
        lines_minor=sum(item.left_minor for item in items),
        discounts=tuple(taken),
        credits_minor=credits_minor,
        taxes=tuple((tax.label, tax_on(left, tax)) for tax in taxes),
        tax_note=" ".join(filter(None, (tax.note for tax in taxes))),
        balance_minor=balance_minor,
    )
