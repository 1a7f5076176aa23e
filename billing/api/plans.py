"""Plans on sale and their prices."""

from itertools import groupby
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.base import BillingView
from billing.models import Plan
from billing.plans.price_lists import offered_base_minor, offered_prices
from billing.tokens import TokenClass
from common.rest.fields import Amount


class TokenPrice(serializers.Serializer[Any]):
    """The price of one token of a class."""

    token_class = serializers.ChoiceField(
        choices=[item.value for item in TokenClass],
        help_text="`input` excludes what was written to or read from the cache; thinking is `output`.",
    )
    per_token_minor = Amount(help_text="In cents, exactly.")


class ModelOut(serializers.Serializer[Any]):
    """A model of a plan."""

    model = serializers.CharField()
    prices = TokenPrice(many=True, help_text="Empty on the free trial.")


class PlanOut(serializers.Serializer[Any]):
    """A plan on sale, at the prices that a new subscriber gets."""

    code = serializers.CharField(help_text="Its name in subscription endpoints.")
    name = serializers.CharField()
    description = serializers.CharField()
    metering = serializers.ChoiceField(
        choices=Plan.Metering.values,
        help_text="`tokens`: each model and token class is a line of the invoice. `spend`: all usage is one line.",
    )
    is_trial = serializers.BooleanField(help_text="The free trial, which nobody subscribes to.")
    trial_requests = serializers.IntegerField(help_text="Free requests; 0 on paid plans.")
    base_minor = Amount(help_text="A month's base price in cents.")
    currency = serializers.CharField()
    models = ModelOut(many=True)


class PlansView(BillingView):
    """The plans on sale."""

    @extend_schema(operation_id="list_plans", summary="List plans", responses=PlanOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the free trial and the paid plans, in the order the pricing page has them."""
        plans = Plan.objects.on_sale(organization_id=self.organization_id)
        return Response([PlanOut(_plan(plan)).data for plan in plans])


def _plan(plan: Plan) -> dict[str, Any]:
    prices = offered_prices(plan=plan)
    return {
        "code": plan.code,
        "name": plan.name,
        "description": plan.description,
        "metering": plan.metering,
        "is_trial": plan.is_trial,
        "trial_requests": plan.trial_requests,
        "base_minor": offered_base_minor(plan=plan),
        "currency": plan.currency,
        "models": [
            {"model": model, "prices": [] if plan.is_trial else list(rows)}
            for model, rows in groupby(prices, key=lambda price: price.model)
        ],
    }
