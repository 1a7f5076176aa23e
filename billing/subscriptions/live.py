"""The live subscriptions of a customer: which one is ours, and what an admin must look at.

A customer is meant to have one subscription, to a plan of ours. In Stripe's dashboard anybody may add a second one, or
another price. Meters count by customer, so a second subscription bills the same usage again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from djstripe.models import Subscription

from billing.metering.discrepancies import open_discrepancy, resolve_discrepancy
from billing.models import BillingAccount, Discrepancy, Plan, PlanPrice, PlanVersion
from billing.money import round_to_cents, to_dollars
from billing.plans.versions import SubscribedPrices
from billing.stripe_billing.stored import price_unit_minor
from billing.stripe_billing.subscriptions import PRICED_AT

Status, Kind = BillingAccount.Status, Discrepancy.Kind
# docs.stripe.com/billing/subscriptions/overview#subscription-statuses. The other statuses (incomplete,
# incomplete_expired, canceled, paused) entitle to nothing: the organization is back on its trial.
ENTITLING = {
    "trialing": Status.ACTIVE,
    "active": Status.ACTIVE,
    "past_due": Status.PAST_DUE,
    "unpaid": Status.SUSPENDED,
}
BEST_FIRST = [Status.ACTIVE, Status.PAST_DUE, Status.SUSPENDED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A subscription, as Stripe tells it, that entitles to a plan."""

    data: Mapping[str, Any]
    status: BillingAccount.Status
    subscribed: SubscribedPrices

    @property
    def id(self) -> str:
        """Stripe's id."""
        return str(self.data["id"])


def live_subscriptions(account: BillingAccount, *, told: Mapping[str, Any]) -> list[Live]:
    """Return the customer's live subscriptions to plans of ours, the one that is ours first.

    They are those that Stripe has told of, and `told`, the newest news. The best paid is ours; among equals it is the
    one the account knows, then the newest.
    """
    stored = Subscription.objects.filter(customer__id=account.stripe_customer_id).exclude(id=told["id"])
    found = [_live(data) for data in (told, *(row.stripe_data for row in stored))]

    def order(each: Live) -> tuple[int, bool, int]:
        return BEST_FIRST.index(each.status), each.id != account.stripe_subscription_id, -each.data["created"]

    return sorted((each for each in found if each is not None), key=order)


def _live(data: Mapping[str, Any]) -> Live | None:
    status = ENTITLING.get(data.get("status", ""))
    if status is None:
        return None
    subscribed = _subscribed(data)
    return Live(data=data, status=status, subscribed=subscribed) if subscribed.prices else None


def _subscribed(data: Mapping[str, Any]) -> SubscribedPrices:
    """Return the prices of a subscription's items."""
    all_prices = [item["price"] for item in data["items"]["data"]]
    licensed = [price for price in all_prices if price["recurring"]["usage_type"] == "licensed"]
    base = _base(licensed)
    known = PlanPrice.objects.filter(stripe_price_id__in=[price["id"] for price in all_prices])
    known = known.order_by("id").select_related("plan")
    return SubscribedPrices(
        base_price_id=base["id"] if base else "",
        base_price=_amount(base) if base else Decimal(0),
        prices=tuple(
            [price for price in known if not price.plan.by_spend]
            or _by_spend(known, products=[price["product"] for price in licensed])
        ),
        named=str((data.get("metadata") or {}).get(PRICED_AT, "")),
    )


def _base(licensed: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the price that is the base of a version here, or else the first: others were added in the dashboard."""
    ids = [price["id"] for price in licensed]
    bases = set(PlanVersion.objects.filter(stripe_base_price_id__in=ids).values_list("stripe_base_price_id", flat=True))
    return next((price for price in licensed if price["id"] in bases), licensed[0] if licensed else None)


def _amount(price: Mapping[str, Any]) -> Decimal:
    """Return a price in dollars. Stripe tells no amount of one that has tiers (docs.stripe.com/api/prices/object)."""
    return to_dollars(round_to_cents(price_unit_minor(price)))


def _by_spend(known: Iterable[PlanPrice], *, products: list[str]) -> list[PlanPrice]:
    """Return the prices of the plan whose base a subscription has: at Stripe all plans by spend share a metered one."""
    return [price for price in known if price.plan.stripe_product_id in products]


def show_oddities(account: BillingAccount, *, told: Mapping[str, Any], live: list[Live]) -> None:
    """Show an admin a second subscription and prices that are not the plan's, until they are gone."""
    others = {
        each.id: f"The account is billed by {live[0].id}, and this one bills the same usage again. Cancel one of them."
        for each in live[1:]
    }
    foreign = {told["id"]: text} if (text := _foreign_prices(told)) else {}
    _show(account, Kind.SECOND_SUBSCRIPTION, found=others)
    if not foreign:
        resolve_discrepancy(organization_id=account.organization_id, kind=Kind.FOREIGN_PRICE, subject=told["id"])
    for subject, detail in foreign.items():
        open_discrepancy(
            organization_id=account.organization_id, kind=Kind.FOREIGN_PRICE, subject=subject, detail=detail
        )


def _show(account: BillingAccount, kind: Discrepancy.Kind, *, found: Mapping[str, str]) -> None:
    shown = Discrepancy.objects.filter(organization_id=account.organization_id, kind=kind, resolved_at=None)
    for subject in shown.exclude(subject__in=found).values_list("subject", flat=True):
        resolve_discrepancy(organization_id=account.organization_id, kind=kind, subject=subject)
    for subject, detail in found.items():
        open_discrepancy(organization_id=account.organization_id, kind=kind, subject=subject, detail=detail)


def _foreign_prices(data: Mapping[str, Any]) -> str:
    """Say which prices of a live subscription are none of ours; nothing where all are."""
    if data.get("status") not in ENTITLING:
        return ""
    products = set(Plan.objects.values_list("stripe_product_id", flat=True))
    prices = [item["price"] for item in data["items"]["data"] if item["price"]["product"] not in products]
    ids = [price["id"] for price in prices]
    known = set(PlanPrice.objects.filter(stripe_price_id__in=ids).values_list("stripe_price_id", flat=True))
    unknown = ", ".join(price_id for price_id in ids if price_id not in known)
    return f"Not among the prices of any plan here: {unknown}." if unknown else ""
