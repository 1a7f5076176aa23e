"""Versions of plans: which one is on offer, and which one a subscription has.

A version is made when its plan is published, whole or not at all. A subscription's version is told by its own prices at
Stripe, so that it is charged what its pages show, whatever happened to the plan since. By spend they do not tell it:
there its metadata names the version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import Plan, PlanPrice, PlanVersion
from billing.tokens import TokenClass

CLASS_ORDER = {item.value: place for place, item in enumerate(TokenClass)}


class PlanNotPublished(Exception):
    """The plan is not in Stripe yet. The message names the command that puts it there."""


def offered_version(*, plan: Plan) -> PlanVersion | None:
    """Return the version that new subscribers get; None of a plan that was never published, as the free trial."""
    return PlanVersion.objects.filter(plan=plan, offered=True).order_by("-priced_at", "-id").first()


def offered_versions(plans: Iterable[Plan]) -> dict[int, PlanVersion]:
    """Return what `offered_version` does for many plans, by plan, with their prices. A plan without one is left out."""
    offered = PlanVersion.objects.filter(plan__in=plans, offered=True).order_by("priced_at", "id")
    return {version.plan_id: version for version in offered.prefetch_related("prices")}


def version_to_sell(*, plan: Plan) -> PlanVersion:
    """Return the version that new subscribers get. Raises PlanNotPublished."""
    version = offered_version(plan=plan)
    if version is None:
        raise PlanNotPublished(f"{plan} is not published to Stripe yet: run `./run manage setup_stripe_products`.")
    return version


def prices_in_order(version: PlanVersion) -> list[PlanPrice]:
    """Return a version's prices by model, in the order that classes have everywhere."""
    return sorted(version.prices.all(), key=lambda row: (row.model, CLASS_ORDER[row.token_class]))


def metered_price_ids(version: PlanVersion) -> list[str]:
    """Return the Stripe prices that a subscriber of a version pays for tokens: one, where the plan is by spend."""
    return list(dict.fromkeys(price.stripe_price_id for price in prices_in_order(version)))


def add_version(
    *,
    plan: Plan,
    prices: Sequence[PlanPrice],
    base_price: Decimal,
    stripe_base_price_id: str,
    priced_at: datetime,
    offered: bool = True,
) -> PlanVersion:
    """Add a version, at `priced_at` or the first instant after it that no version of the plan has."""
    taken = set(PlanVersion.objects.filter(plan=plan, priced_at__gte=priced_at).values_list("priced_at", flat=True))
    while priced_at in taken:
        priced_at += timedelta(microseconds=1)
    version = PlanVersion.objects.create(
        plan=plan,
        priced_at=priced_at,
        base_price=base_price,
        stripe_base_price_id=stripe_base_price_id,
        offered=offered,
    )
    version.prices.set(prices)
    return version


@dataclass(frozen=True, slots=True)
class SubscribedPrices:
    """The prices of a subscription: its base at Stripe, in dollars, and those of tokens, of one plan here.

    `named` is the version that its metadata names, in ISO 8601.
    """

    base_price_id: str
    base_price: Decimal
    prices: tuple[PlanPrice, ...]
    named: str


def version_of_subscription(*, subscribed: SubscribedPrices, known: tuple[int, datetime]) -> PlanVersion:
    """Return the version that has the prices of a subscription; `known` are the plan and instant its account has now.

    Of several the one with its base counts, then the one it names, then the known one, then the newest. Where the
    subscription lacks an item, a version that has the rest counts, since reconciliation bills such usage. A mixture
    becomes a version of its own.
    """
    own = {price.stripe_price_id: price for price in reversed(subscribed.prices)}
    plan_id = subscribed.prices[0].plan_id
    fitting = []
    for version in PlanVersion.objects.filter(plan_id=plan_id).order_by("-priced_at").prefetch_related("prices"):
        price_ids = {price.stripe_price_id for price in version.prices.all()}
        if price_ids >= own.keys():
            other_base = version.stripe_base_price_id != subscribed.base_price_id
            unnamed = version.priced_at.isoformat() != subscribed.named
            order = (price_ids != own.keys(), other_base, unnamed, (version.plan_id, version.priced_at) != known)
            fitting.append((order, version))
    if fitting:
        return min(fitting, key=lambda each: each[0])[1]
    return _mixture(subscribed, prices=list(own.values()))


def _mixture(subscribed: SubscribedPrices, *, prices: list[PlanPrice]) -> PlanVersion:
    return add_version(
        plan=prices[0].plan,
        prices=prices,
        base_price=subscribed.base_price,
        stripe_base_price_id=subscribed.base_price_id,
        priced_at=max(price.valid_from for price in prices),
        offered=False,
    )
