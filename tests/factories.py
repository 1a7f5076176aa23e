"""Plain functions that make what tests need. Everything gets a name of its own, so tests do not disturb one another."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, Organization, User
from accounts.organizations import create_organization
from billing.ledger import compare_and_add, locked
from billing.ledger.entries import Begin, Entry, Grant, Outcome, Settle, Void
from billing.models import BillingAccount, Plan, PlanPrice
from billing.periods import period_at
from billing.tokens import TokenUsage

NOON = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
HAIKU = "claude-haiku-5-5"
SONNET = "claude-sonnet-5-5"

_numbers = itertools.count(1)


def make_user(*, email: str = "", password: str | None = None, **fields: Any) -> User:
    """Make a person."""
    return User.objects.create_user(email or f"person-{next(_numbers)}@example.com", password, **fields)


def make_organization(*, owner: User | None = None, name: str = "") -> Organization:
    """Make an organization, with its owner and its billing account on the free trial."""
    return create_organization(owner=owner or make_user(), name=name or f"Organization {next(_numbers)}")


@dataclass(frozen=True)
class Customer:
    """An organization that calls the API."""

    organization: Organization
    api_key: ApiKey
    key: str

    @property
    def account(self) -> BillingAccount:
        """The billing account, as it stands in the database now."""
        return BillingAccount.objects.get(organization=self.organization)


def make_customer() -> Customer:
    """Make an organization on the free trial, with a key."""
    organization = make_organization()
    api_key, key = create_api_key(organization=organization, name="Test")
    return Customer(organization=organization, api_key=api_key, key=key)


def publish_locally(plan_code: str) -> Plan:
    """Give a plan's prices the Stripe ids they would have, without a Stripe and without putting it on offer."""
    plan = Plan.objects.get(code=plan_code)
    for price in PlanPrice.objects.filter(plan=plan, stripe_price_id=""):
        price.stripe_price_id = f"price_{plan_code}_{price.token_class}_{price.id}"
        price.save(update_fields=["stripe_price_id"])
    return plan


def make_subscriber(
    *, plan_code: str = "pro_haiku", now: datetime = NOON, cap_minor: Decimal | None = None, customer_id: str = ""
) -> Customer:
    """Make a customer of a paid plan whose period began at `now`, without a Stripe."""
    customer = make_customer()
    plan = publish_locally(plan_code)
    period = period_at(anchor=now, instant=now)
    BillingAccount.objects.filter(organization=customer.organization).update(
        plan=plan,
        status=BillingAccount.Status.ACTIVE,
        priced_at=PlanPrice.objects.filter(plan=plan).latest("valid_from").valid_from,
        anchor_at=now,
        period_starts_at=period.starts_at,
        period_ends_at=period.ends_at,
        spending_starts_at=period.starts_at,
        cap_minor=cap_minor,
        stripe_customer_id=customer_id or f"cus_{next(_numbers):014}",
        stripe_subscription_id=f"sub_{next(_numbers):014}",
        stripe_status="active",
    )
    return customer


def make_begin(customer: Customer, **fields: Any) -> Begin:
    """Make a request of 100 input tokens at most that asks for 1,000 of output."""
    defaults: dict[str, Any] = {
        "request_id": f"req_{next(_numbers):024}",
        "organization_id": customer.organization.id,
        "api_key_id": customer.api_key.id,
        "model": "",
        "input_tokens": 100,
        "max_tokens": 1000,
    }
    return Begin(**{**defaults, **fields})


def write(entries: Sequence[Entry], *, now: datetime) -> list[Outcome]:
    """Write entries as the writing thread does: those that need no decision in one statement, then the rest."""
    outcomes = compare_and_add.commit(entries, now=now)
    left = locked.commit([entry for entry, outcome in zip(entries, outcomes, strict=True) if outcome is None], now=now)
    decided = iter(left)
    return [next(decided) if outcome is None else outcome for outcome in outcomes]


def begin(customer: Customer, *, now: datetime = NOON, **fields: Any) -> Grant:
    """Open a record."""
    outcome = begin_or_refusal(customer, now=now, **fields)
    assert isinstance(outcome, Grant), outcome
    return outcome


def begin_or_refusal(customer: Customer, *, now: datetime = NOON, **fields: Any) -> Outcome:
    """Try to open a record."""
    return write([make_begin(customer, **fields)], now=now)[0]


def void(grant: Grant, *, now: datetime = NOON + timedelta(seconds=1)) -> Outcome:
    """Close the record of a request that failed."""
    return write([Void(grant=grant, outcome="failed")], now=now)[0]


def settle(grant: Grant, *, now: datetime = NOON + timedelta(seconds=1), **tokens: int) -> Outcome:
    """Settle a record with `input_tokens=...` and so on."""
    return write([Settle(grant=grant, usage=TokenUsage(**tokens))], now=now)[0]
