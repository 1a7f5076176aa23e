"""Price lists of one customer: a plan is copied, and its prices are then edited for them alone."""

from django.db import transaction

from accounts.models import Organization
from billing.models import Plan, PlanPrice
from billing.plans.price_lists import current_prices

LIMITS = ["requests_per_minute", "input_tokens_per_minute", "output_tokens_per_minute", "concurrent_requests"]
COPIED = ["description", "base_price", "position", "metering", *LIMITS]


@transaction.atomic
def copy_plan(*, plan: Plan, organization: Organization) -> Plan:
    """Return a copy of a plan for one organization, with the prices it is edited with. It is yet to be published."""
    number = Plan.objects.filter(code__startswith=f"{plan.code}_for_{organization.id}_").count() + 1
    copy = Plan.objects.create(
        code=f"{plan.code}_for_{organization.id}_{number}",
        name=f"{plan.name} for {organization.name}"[:100],
        made_for=organization,
        **{name: getattr(plan, name) for name in COPIED},
    )
    for price in current_prices(plan=plan):
        PlanPrice.objects.create(
            plan=copy, model=price.model, token_class=price.token_class, price_per_1k=price.price_per_1k
        )
    return copy
