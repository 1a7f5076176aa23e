"""Price lists: the prices of a plan's tokens, as of an instant."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from django.db.models import QuerySet

from billing.models import BillingAccount, Plan, PlanPrice, PlanVersion
from billing.money import EXACT
from billing.plans.versions import CLASS_ORDER, offered_version, prices_in_order
from billing.tokens import READ_INPUT, TokenClass, TokenUsage

# How long a process remembers a price list. A paid plan's published prices never change.
REMEMBERED_S = 15.0


@dataclass(frozen=True, slots=True)
class PriceList:
    """A plan's rates by model and token class, in cents a token. The same plan and instant give the same for ever."""

    plan_id: int
    plan_name: str
    priced_at: datetime
    trial: bool
    trial_requests: int
    by_spend: bool
    currency: str
    rates: Mapping[str, Mapping[TokenClass, Decimal]]
    stripe_price_ids: Mapping[tuple[str, TokenClass], str]

    @property
    def models(self) -> list[str]:
        """The models the plan includes."""
        return sorted(self.rates)

    def cost_minor(self, *, model: str, usage: TokenUsage) -> Decimal:
        """Return what `usage` costs, in exact cents. Raises KeyError for a model the list lacks."""
        total = Decimal(0)
        for token_class, rate in self.rates[model].items():
            tokens = usage.tokens_of(token_class)
            if tokens:
                total = EXACT.add(total, EXACT.multiply(rate, tokens))
        return total

    def most_minor(
        self, *, model: str, input_tokens: int, cache_writes: frozenset[TokenClass], output_tokens: int
    ) -> Decimal:
        """Return the most a request can cost: every input token at the dearest way it may be counted.

        `cache_writes` are the classes in which the request may write to the cache.
        """
        rates = self.rates[model]
        dearest = max(rates[token_class] for token_class in READ_INPUT | cache_writes)
        return EXACT.add(
            EXACT.multiply(dearest, input_tokens),
            EXACT.multiply(rates[TokenClass.OUTPUT], output_tokens),
        )


def meter_event_name(*, model: str, token_class: TokenClass) -> str:
    """Name the Stripe meter of a model and token class. One each, so that a plan switch never counts usage twice."""
    return f"rgent_{model}_{token_class.value}_tokens".replace("-", "_").replace(".", "_")


def price_list(*, plan_id: int, priced_at: datetime) -> PriceList:
    """Return a plan's price list as of `priced_at`; an admin's change of the plan shows within REMEMBERED_S.

    Of a paid plan only what has been published to Stripe counts, since nothing else can be billed; and of models only
    those with a price for every token class, since Claude counts all of them. The trial, which costs nothing, has
    whatever models it is offered with now.
    """
    return _price_list(plan_id, priced_at, int(time.monotonic() // REMEMBERED_S))


def forget_price_lists() -> None:
    """Forget all price lists that this process remembers, so that a change shows at once."""
    _price_list.cache_clear()


@lru_cache(maxsize=1024)
def _price_list(plan_id: int, priced_at: datetime, turn: int) -> PriceList:
    plan = Plan.objects.get(id=plan_id)
    rates: dict[str, dict[TokenClass, Decimal]] = {}
    rows = current_prices(plan=plan) if plan.is_trial else prices_as_of(plan_id=plan_id, priced_at=priced_at)
    for row in rows:
        rates.setdefault(row.model, {})[TokenClass(row.token_class)] = row.per_token_minor
    return PriceList(
        plan_id=plan_id,
        plan_name=plan.name,
        priced_at=priced_at,
        trial=plan.is_trial,
        trial_requests=plan.trial_requests,
        by_spend=plan.by_spend,
        currency=plan.currency,
        rates={model: priced for model, priced in rates.items() if len(priced) == len(TokenClass)},
        stripe_price_ids={(row.model, TokenClass(row.token_class)): row.stripe_price_id for row in rows},
    )


def prices_as_of(*, plan_id: int, priced_at: datetime) -> list[PlanPrice]:
    """Return the prices of a paid plan's version, by model and class.

    Where no version has the instant, as of accounts from before there were versions, the newest published price of each
    class up to then counts.
    """
    version = PlanVersion.objects.filter(plan_id=plan_id, priced_at=priced_at).first()
    if version:
        return prices_in_order(version)
    rows = PlanPrice.objects.filter(plan_id=plan_id, valid_from__lte=priced_at).exclude(stripe_price_id="")
    return _newest(rows)


def models_of_account(organization_id: int) -> list[str]:
    """Return the models an organization's plan includes."""
    account = BillingAccount.objects.only("plan_id", "priced_at").get(organization_id=organization_id)
    return price_list(plan_id=account.plan_id, priced_at=account.priced_at).models


def models_sold() -> list[str]:
    """Return the models that any plan includes."""
    return sorted(set(PlanPrice.objects.values_list("model", flat=True)))


def current_prices(*, plan: Plan) -> list[PlanPrice]:
    """Return a plan's newest price of every model and token class as it is edited, published or not."""
    return _newest(PlanPrice.objects.filter(plan=plan), offered_only=True)


def offered_prices(*, plan: Plan) -> list[PlanPrice]:
    """Return the prices that a new subscriber gets; of a plan that was never published, those that are edited."""
    version = offered_version(plan=plan)
    return prices_in_order(version) if version else current_prices(plan=plan)


def offered_base_minor(*, plan: Plan) -> int:
    """Return the base price that a new subscriber pays each month, in cents."""
    version = offered_version(plan=plan)
    return (version or plan).base_price_minor


def _newest(rows: QuerySet[PlanPrice], *, offered_only: bool = False) -> list[PlanPrice]:
    newest = {(row.model, row.token_class): row for row in rows.order_by("valid_from", "id")}
    kept = [row for row in newest.values() if row.withdrawn_at is None or not offered_only]
    return sorted(kept, key=lambda row: (row.model, CLASS_ORDER[row.token_class]))


def revise_price(*, price: PlanPrice, price_per_1k: Decimal, now: datetime) -> PlanPrice:
    """Give a model's token class a new price, and return the row that holds it.

    A published price is history: it stays, and a new row is valid from `now` on. One not yet published is corrected.
    """
    if price.price_per_1k == price_per_1k:
        return price
    if not price.stripe_price_id and not price.plan.is_trial:
        price.price_per_1k = price_per_1k
        price.save(update_fields=["price_per_1k"])
        return price
    return PlanPrice.objects.create(
        plan=price.plan, model=price.model, token_class=price.token_class, price_per_1k=price_per_1k, valid_from=now
    )


def withdraw_model(*, plan: Plan, model: str, now: datetime) -> int:
    """Offer a model no more, once the plan is published; return how many prices that takes off. Subscribers keep it."""
    offered = PlanPrice.objects.filter(plan=plan, model=model, withdrawn_at=None)
    return offered.update(withdrawn_at=now)


def restore_model(*, plan: Plan, model: str) -> int:
    """Offer a model again, once the plan is published; return how many prices that brings back."""
    return PlanPrice.objects.filter(plan=plan, model=model, withdrawn_at__isnull=False).update(withdrawn_at=None)
