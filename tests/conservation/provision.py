"""Customers of a run. This is its only part that runs inside rgent: `python -m tests.conservation.provision N`.

It publishes the plans, one metered by tokens and one by spend, makes N customers of each kind, and prints them as JSON.
"""

import json
import sys
from decimal import Decimal
from typing import Any

import django

# Of these a run has N each, and of those whose terms change twice as many.
KINDS = ("haiku", "sonnet", "capped", "key_capped", "trial", "changing")
CAP_MINOR = Decimal(40)
KEY_CAP_MINOR = Decimal(25)


def provision(*, number: int) -> list[dict[str, Any]]:
    """Make the customers. Raises StripeUnavailable, StripeRejected."""
    from billing.models import Plan
    from billing.plans.publishing import publish_plans

    Plan.objects.filter(code="pro_sonnet").update(metering="spend")
    publish_plans()
    numbers = {kind: number * 2 if kind == "changing" else number for kind in KINDS}
    return [_make(kind, f"{kind}-{place}") for kind in KINDS for place in range(numbers[kind])]


def _make(kind: str, name: str) -> dict[str, Any]:
    from accounts.api_keys import create_api_key
    from accounts.models import ApiKey, KeyScope, Organization, User
    from accounts.organizations import create_organization
    from billing.caps.caps import set_cap, set_key_cap
    from billing.models import Plan
    from billing.subscriptions.sample_customers import create_sample_customer
    from common import clock

    if kind == "trial":
        owner = User.objects.create_user(f"{name}@example.com", name=name)
        organization = create_organization(owner=owner, name=name)
        api_key, key = create_api_key(organization=organization, name="Chat")
    else:
        plan = "pro_sonnet" if kind == "sonnet" else "pro_haiku"
        sample = create_sample_customer(plan=Plan.objects.get(code=plan))
        organization, key = Organization.objects.get(id=sample.organization), sample.api_key
        Organization.objects.filter(id=organization.id).update(name=name)
        api_key = ApiKey.objects.get(organization=organization)
    if kind == "capped":
        set_cap(organization_id=organization.id, cap_minor=CAP_MINOR)
    if kind == "key_capped":
        set_key_cap(organization_id=organization.id, api_key_id=api_key.id, cap_minor=KEY_CAP_MINOR, now=clock.now())
    _, manage_key = create_api_key(
        organization=organization, name="Manage", scopes=[KeyScope.MANAGE], created_by=organization.members.get()
    )
    return {
        "name": name,
        "kind": kind,
        "organization_id": organization.id,
        "customer_id": organization.billing_account.stripe_customer_id,
        "key": key,
        "manage_key": manage_key,
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(provision(number=int(sys.argv[1]))))
