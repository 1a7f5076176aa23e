"""Publishing: plans become products, meters and prices in Stripe. Running it again changes only differences."""

from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import timezone

from billing.models import Plan, PlanPrice
from billing.plans.completeness import why_not_sellable
from billing.plans.price_lists import current_prices, meter_event_name
from billing.stripe_billing import catalogue, meters
from billing.tokens import TokenClass

PRODUCT_PREFIX = "rgent_"


class NotSellable(Exception):
    """A plan is not complete enough to be sold. The message says what it lacks."""


@dataclass(slots=True)
class Published:
    """The changes that a run made in Stripe, one line each."""

    changes: list[str] = field(default_factory=list)


def publish_plans(*, plans: list[Plan] | None = None) -> Published:
    """Publish the paid plans, or those given, to Stripe. Raises NotSellable, StripeUnavailable, StripeRejected.

    Meters are found by their event name and prices by their lookup key; a changed amount makes a new price and
    moves the lookup key. Existing subscriptions keep their price.
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
    prices = PlanPrice.objects.filter(plan__is_trial=False)
    if not prices or prices.filter(stripe_price_id="").exists():
        return False
    names = {meter_event_name(model=price.model, token_class=TokenClass(price.token_class)) for price in prices}
    return names <= meters.meters_by_event_name().keys()


def _publish_plan(plan: Plan, *, meter_ids: dict[str, str], published: Published) -> None:
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
    for price in current_prices(plan=plan, published_only=False):
        _publish_price(price, plan=plan, meter_ids=meter_ids, published=published)
    plan.published_at = timezone.now()
    plan.save(update_fields=["stripe_product_id", "stripe_base_price_id", "published_at"])


def _publish_price(price: PlanPrice, *, plan: Plan, meter_ids: dict[str, str], published: Published) -> None:
    token_class = TokenClass(price.token_class)
    event_name = meter_event_name(model=price.model, token_class=token_class)
    label = f"{price.model}, {token_class.label.lower()} tokens"
    if event_name not in meter_ids:
        meter_ids[event_name] = meters.create_meter(event_name=event_name, display_name=label)
        published.changes.append(f"meter {event_name}")
    stripe_price_id = _ensure_price(
        # One product for each meter, shared by all plans: it names the line on the invoice.
        product_id=_ensure_product(event_name, name=label, published=published),
        currency=plan.currency,
        lookup_key=f"{PRODUCT_PREFIX}{plan.code}_{price.model}_{token_class.value}".replace("-", "_"),
        nickname=label,
        amount=price.per_token_minor,
        meter_id=meter_ids[event_name],
        published=published,
    )
    # A price that was edited meanwhile differs from Stripe's. It waits for the next run.
    unchanged = PlanPrice.objects.filter(id=price.id, price_per_1k=price.price_per_1k)
    unchanged.exclude(stripe_price_id=stripe_price_id).update(stripe_price_id=stripe_price_id)


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
