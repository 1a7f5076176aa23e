"""Publishing: plans become products, meters and prices in Stripe, and what is complete there is put on offer.

A plan is published whole or not at all: a version is added once Stripe has all of its prices. Until then new
subscribers get the version before. Running it again goes on, and changes only differences.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from billing import spend
from billing.models import Plan, PlanPrice
from billing.plans.completeness import why_not_sellable
from billing.plans.price_lists import current_prices, meter_event_name
from billing.plans.versions import add_version, offered_version
from billing.stripe_billing import catalogue, meters
from billing.tokens import TokenClass

PRODUCT_PREFIX = "rgent_"
SPEND_LABEL = "Usage at the prices of your plan"


class NotSellable(Exception):
    """A plan is not complete enough to be sold. The message says what it lacks."""


@dataclass(slots=True)
class Published:
    """The changes that a run made in Stripe, one line each, and the plans that were edited meanwhile."""

    changes: list[str] = field(default_factory=list)
    edited_meanwhile: list[str] = field(default_factory=list)


def publish_plans(*, plans: list[Plan] | None = None) -> Published:
    """Publish the paid plans, or those given, to Stripe. Raises NotSellable, StripeUnavailable, StripeRejected.

    Meters are found by their event name and prices by their lookup key; a changed amount makes a new price and
    moves the lookup key. Existing subscriptions keep their price. A plan that was edited meanwhile waits for the next
    run.
    """
    plans = list(Plan.objects.paid()) if plans is None else plans
    for plan in plans:
        reason = "The free trial is never sent to Stripe." if plan.is_trial else why_not_sellable(plan=plan)
        if reason:
            raise NotSellable(f"{plan} cannot be published. {reason}")
    published = Published()
    meter_ids = meters.meters_by_event_name()
    for plan in plans:
        _publish_plan(plan, meter_ids=meter_ids, published=published)
    return published


def is_published() -> bool:
    """Tell by one call whether Stripe has the meters of every paid plan. Raises StripeUnavailable.

    It compares no amounts; `publish_plans` does.
    """
    plans = list(Plan.objects.paid())
    if not plans or any(has_changes(plan=plan) for plan in plans):
        return False
    names = {_meter_of(price, plan=plan) for plan in plans for price in current_prices(plan=plan)}
    return names <= meters.meters_by_event_name().keys()


def has_changes(*, plan: Plan) -> bool:
    """Tell whether a paid plan's prices are others than those on offer."""
    version = offered_version(plan=plan)
    if version is None or version.base_price != plan.base_price:
        return True
    return _amounts(current_prices(plan=plan)) != _amounts(version.prices.all())


def _amounts(prices: Iterable[PlanPrice]) -> set[tuple[str, str, Decimal]]:
    return {(price.model, price.token_class, price.price_per_1k) for price in prices}


def _publish_plan(plan: Plan, *, meter_ids: dict[str, str], published: Published) -> None:
    prices = current_prices(plan=plan)
    plan.stripe_product_id = _ensure_product(f"{PRODUCT_PREFIX}{plan.code}", name=plan.name, published=published)
    plan.stripe_base_price_id = _ensure_price(
        product_id=plan.stripe_product_id,
        currency=plan.currency,
        lookup_key=f"{PRODUCT_PREFIX}{plan.code}_base",
        nickname=f"{plan.name}: base",
        amount=Decimal(plan.base_price_minor),
        meter_id=None,
        published=published,
    )
    price_ids = _ensure_metered_prices(prices, plan=plan, meter_ids=meter_ids, published=published)
    if not _put_on_offer(plan, prices=prices, price_ids=price_ids):
        published.edited_meanwhile.append(str(plan))


def _ensure_metered_prices(
    prices: list[PlanPrice], *, plan: Plan, meter_ids: dict[str, str], published: Published
) -> dict[int, str]:
    """Return the Stripe price that bills each price. Plans by spend share one, so a switch between them keeps it."""
    if plan.by_spend:
        stripe_price_id = _ensure_metered_price(
            spend.METER,
            label=SPEND_LABEL,
            currency=plan.currency,
            lookup_key=spend.METER,
            amount=spend.UNIT_MINOR,
            meter_ids=meter_ids,
            published=published,
        )
        return {price.id: stripe_price_id for price in prices}
    return {
        price.id: _ensure_token_price(price, plan=plan, meter_ids=meter_ids, published=published) for price in prices
    }


def _ensure_token_price(price: PlanPrice, *, plan: Plan, meter_ids: dict[str, str], published: Published) -> str:
    token_class = TokenClass(price.token_class)
    return _ensure_metered_price(
        _meter_of(price, plan=plan),
        label=f"{price.model}, {token_class.label.lower()} tokens",
        currency=plan.currency,
        lookup_key=f"{PRODUCT_PREFIX}{plan.code}_{price.model}_{token_class.value}".replace("-", "_"),
        amount=price.per_token_minor,
        meter_ids=meter_ids,
        published=published,
    )


def _meter_of(price: PlanPrice, *, plan: Plan) -> str:
    if plan.by_spend:
        return spend.METER
    return meter_event_name(model=price.model, token_class=TokenClass(price.token_class))


def _ensure_metered_price(
    event_name: str,
    *,
    label: str,
    currency: str,
    lookup_key: str,
    amount: Decimal,
    meter_ids: dict[str, str],
    published: Published,
) -> str:
    """Return the price of a meter's unit. The meter, and its product, are made where they are missing."""
    if event_name not in meter_ids:
        meter_ids[event_name] = meters.create_meter(event_name=event_name, display_name=label)
        published.changes.append(f"meter {event_name}")
    return _ensure_price(
        # One product for each meter, shared by all plans: it names the line on the invoice.
        product_id=_ensure_product(event_name, name=label, published=published),
        currency=currency,
        lookup_key=lookup_key,
        nickname=label,
        amount=amount,
        meter_id=meter_ids[event_name],
        published=published,
    )


@transaction.atomic
def _put_on_offer(plan: Plan, *, prices: list[PlanPrice], price_ids: Mapping[int, str]) -> bool:
    """Add the version that Stripe has now; return False, and change nothing, if the plan is another by now."""
    as_edited = Plan.objects.select_for_update().get(id=plan.id)
    list(PlanPrice.objects.select_for_update().filter(plan=plan).order_by("id"))
    if (as_edited.base_price, _amounts(current_prices(plan=plan))) != (plan.base_price, _amounts(prices)):
        return False
    for price in prices:
        unknown = PlanPrice.objects.filter(id=price.id).exclude(stripe_price_id=price_ids[price.id])
        unknown.update(stripe_price_id=price_ids[price.id])
    plan.published_at = timezone.now()
    plan.save(update_fields=["stripe_product_id", "stripe_base_price_id", "published_at"])
    if not _is_offered(plan, prices=prices, price_ids=set(price_ids.values())):
        add_version(
            plan=plan,
            prices=prices,
            base_price=plan.base_price,
            stripe_base_price_id=plan.stripe_base_price_id,
            priced_at=plan.published_at,
        )
    return True


def _is_offered(plan: Plan, *, prices: list[PlanPrice], price_ids: set[str]) -> bool:
    """Tell whether new subscribers get just these prices. By spend one Stripe price stands for many amounts."""
    version = offered_version(plan=plan)
    if version is None or version.stripe_base_price_id != plan.stripe_base_price_id:
        return False
    offered = version.prices.all()
    return {price.stripe_price_id for price in offered} == price_ids and _amounts(offered) == _amounts(prices)


def _ensure_product(product_id: str, *, name: str, published: Published) -> str:
    if catalogue.ensure_product(product_id=product_id, name=name):
        published.changes.append(f"product {product_id}")
    return product_id


def _ensure_price(
    *,
    product_id: str,
    currency: str,
    lookup_key: str,
    nickname: str,
    amount: Decimal,
    meter_id: str | None,
    published: Published,
) -> str:
    """Return the price that holds the lookup key if it is as wanted, else make one."""
    wanted = {"product": product_id, "currency": currency, "unit_amount_decimal": amount, "meter": meter_id}
    found = catalogue.find_price(lookup_key=lookup_key)
    if found and {key: found[key] for key in wanted} == wanted:
        return str(found["id"])
    published.changes.append(f"price {lookup_key}")
    return catalogue.create_price(
        product_id=product_id,
        currency=currency,
        unit_amount_decimal=amount,
        lookup_key=lookup_key,
        nickname=nickname,
        meter_id=meter_id,
    )
