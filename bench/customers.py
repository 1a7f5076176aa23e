"""Customers for a run: organizations on a paid plan, each with a spending cap and a key.

This is the only part of the bench that runs inside rgent: `python -m bench.customers 1000` writes the customers into
rgent's database and prints their keys, a line each.
"""

import sys
from datetime import UTC, datetime
from decimal import Decimal

import django

CAP_MINOR = Decimal(1_000_000_000)  # never reached, and guarded all the same


def make_customers(*, number: int) -> list[str]:
    """Make `number` capped organizations and return their keys."""
    from django.db import transaction

    from accounts.api_keys import create_api_key
    from accounts.models import User
    from accounts.organizations import create_organization
    from billing.models import BillingAccount, Plan, PlanPrice
    from billing.periods import period_at

    now = datetime.now(UTC)
    plan = Plan.objects.get(code="pro_haiku")
    for price in PlanPrice.objects.filter(plan=plan):
        price.stripe_price_id = f"price_bench_{price.id}"
        price.save(update_fields=["stripe_price_id"])
    with transaction.atomic():
        owner = User.objects.create_user("owner@bench.example", None)
        organizations = [create_organization(owner=owner, name=f"Bench {place}") for place in range(number)]
        keys = [create_api_key(organization=organization, name="Bench")[1] for organization in organizations]
        period = period_at(anchor=now, instant=now)
        BillingAccount.objects.update(
            plan=plan,
            status=BillingAccount.Status.ACTIVE,
            priced_at=PlanPrice.objects.filter(plan=plan).latest("valid_from").valid_from,
            anchor_at=now,
            period_starts_at=period.starts_at,
            period_ends_at=period.ends_at,
            cap_minor=CAP_MINOR,
        )
    return keys


if __name__ == "__main__":
    django.setup()
    print("\n".join(make_customers(number=int(sys.argv[1]))))
