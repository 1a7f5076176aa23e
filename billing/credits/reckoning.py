"""The amounts that Stripe takes off an invoice's lines, to the cent.

The order is Stripe's: discounts one after another, then billing credits, for usage alone, then tax
(docs.stripe.com/billing/subscriptions/usage-based/billing-credits). Stripe does not say how it rounds a percentage over
several lines: here it is of their sum, in whole cents, and shared out by size. See docs/decisions for the doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.credits.discounts import Discount
from billing.credits.taxes import Tax
from billing.money import round_to_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of an invoice in whole cents: what is left of it. Credits pay it if it `is_usage` of a meter.

    Discounts leave prorations alone.
    """

    left_minor: int
    is_usage: bool
    product_id: str = ""
    is_proration: bool = False


def take_off(items: Sequence[Item], discount: Discount) -> tuple[list[Item], int]:
    """Return the items less a discount, and the cents it takes off."""
    open_amounts = [max(item.left_minor, 0) if _is_for(discount, item) else 0 for item in items]
    total = sum(open_amounts)
    if discount.percent_off is None:
        off = min(discount.amount_off_minor, total)
    else:
        off = round_to_cents(discount.percent_off * total / Decimal(100))
    shares = split(off, open_amounts)
    return [_less(item, share) for item, share in zip(items, shares, strict=True)], off


def spend(items: Sequence[Item], credit_minor: int) -> tuple[list[Item], int]:
    """Return the items less billing credits, line by line, and the cents of credits that they take."""
    rest, left = max(credit_minor, 0), []
    for item in items:
        used = min(rest, max(item.left_minor, 0)) if item.is_usage else 0
        left.append(_less(item, used))
        rest -= used
    return left, max(credit_minor, 0) - rest


def tax_on(items: Sequence[Item], tax: Tax) -> int:
    """Return the cents of a tax on what is left of the items: of each by itself, in whole cents."""
    return sum(round_to_cents(tax.percent * item.left_minor / Decimal(100)) for item in items)


def split(off: int, amounts: Sequence[int]) -> list[int]:
    """Split `off` cents by the sizes of amounts; the cents that are left go to the largest remainders."""
    total = sum(amounts)
    if not total:
        return [0 for _ in amounts]
    shares = [off * amount // total for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda place: -(off * amounts[place] % total))
    for place in by_remainder[: off - sum(shares)]:
        shares[place] += 1
    return shares


def _is_for(discount: Discount, item: Item) -> bool:
    return not item.is_proration and (not discount.products or item.product_id in discount.products)


def _less(item: Item, minor: int) -> Item:
    return replace(item, left_minor=item.left_minor - minor)
