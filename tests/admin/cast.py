"""The cast of the admin's tests: one organization with a row of everything there is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, Invitation, Membership, Organization, User
from accounts.organizations import create_organization
from billing.models import BillingAccount, DailyUsage, Discrepancy, MeterEvent, Plan, PlanPrice, UsageRecord

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MONTH_START = datetime(2026, 11, 1, tzinfo=UTC)
HAIKU = "claude-haiku-5-5"
# An amount whose last digit a float, or rounding to cents, would lose.
EXACT_COST_MINOR = Decimal("1.950000000001")


@dataclass(frozen=True, slots=True)
class Cast:
    """The people and objects of the tests."""

    organization: Organization
    owner: User
    account: BillingAccount
    api_key: ApiKey
    key_text: str
    record: UsageRecord
    event: MeterEvent
    discrepancy: Discrepancy
    invitation: Invitation
    daily: DailyUsage

    @property
    def membership(self) -> Membership:
        """The owner's."""
        return self.organization.memberships.get()


def haiku() -> Plan:
    """Return the plan Pro Haiku, which every new database has."""
    return Plan.objects.get(code="pro_haiku")


def price(kind: str = "input", plan: Plan | None = None) -> PlanPrice:
    """Return the newest price of a class of Haiku's tokens."""
    prices = PlanPrice.objects.filter(plan=plan or haiku(), model=HAIKU, token_class=kind)
    return prices.order_by("-valid_from", "-id")[0]


def mark_as_published(plan: Plan) -> None:
    """Put a plan in the state that publishing leaves it in."""
    for row in PlanPrice.objects.filter(plan=plan):
        PlanPrice.objects.filter(pk=row.pk).update(stripe_price_id=f"price_{row.pk}")
    plan.stripe_product_id, plan.published_at = f"rgent_{plan.code}", NOON
    plan.save()


def make_record(organization: Organization, **fields: Any) -> UsageRecord:
    """Create a settled usage record."""
    count = UsageRecord.objects.count()
    values = {
        "request_id": f"req_{count:06}",
        "organization": organization,
        "plan": haiku(),
        "priced_at": MONTH_START,
        "model": HAIKU,
        "state": UsageRecord.State.SETTLED,
        "hold_minor": Decimal(5),
        "cost_minor": EXACT_COST_MINOR,
        "input_tokens": 5000,
        "output_tokens": 2000,
        "begun_at": NOON,
        "settled_at": NOON,
        "period_starts_at": MONTH_START,
        "deadline_at": NOON + timedelta(minutes=11),
    }
    return UsageRecord.objects.create(**{**values, **fields})


def make_organization(name: str = "Acme Inc.") -> tuple[Organization, User]:
    """Create an organization with its owner."""
    slug = name.split(maxsplit=1)[0].lower()
    owner = User.objects.create_user(f"owner@{slug}.example")
    return create_organization(owner=owner, name=name), owner


def make_cast() -> Cast:
    """Create one of everything."""
    organization, owner = make_organization()
    BillingAccount.objects.filter(organization=organization).delete()
    account = BillingAccount.objects.create(
        organization=organization,
        plan=haiku(),
        status=BillingAccount.Status.ACTIVE,
        period_starts_at=MONTH_START,
        period_ends_at=datetime(2026, 12, 1, tzinfo=UTC),
        spending_starts_at=MONTH_START,
        spent_minor=EXACT_COST_MINOR,
        stripe_customer_id="cus_acme",
        stripe_subscription_id="sub_acme",
    )
    api_key, key_text = create_api_key(organization=organization, name="Server", created_by=owner)
    record = make_record(organization, api_key=api_key)
    return Cast(
        organization=organization,
        owner=owner,
        account=account,
        api_key=api_key,
        key_text=key_text,
        record=record,
        event=_make_event(organization),
        discrepancy=Discrepancy.objects.create(
            organization=organization,
            kind=Discrepancy.Kind.MISSING,
            subject="rgent_claude_haiku_5_5_input_tokens",
            expected=5000,
            found=4000,
        ),
        invitation=Invitation.objects.create(
            organization=organization,
            email="new@acme.example",
            token_hash="5" * 64,
            invited_by=owner,
            expires_at=NOON + timedelta(days=7),
        ),
        daily=_make_daily(organization, api_key),
    )


def make_neighbour(name: str) -> None:
    """Create another organization with a row on each list."""
    organization, owner = make_organization(name)
    api_key, _ = create_api_key(organization=organization, name="Server", created_by=owner)
    make_record(organization, api_key=api_key)
    _make_event(organization)
    _make_daily(organization, api_key)
    Discrepancy.objects.create(organization=organization, kind=Discrepancy.Kind.ABANDONED, subject=name)


def _make_event(organization: Organization) -> MeterEvent:
    return MeterEvent.objects.create(
        organization=organization,
        event_name="rgent_claude_haiku_5_5_input_tokens",
        value=5000,
        occurred_at=NOON,
        hour=NOON,
        period_starts_at=MONTH_START,
        identifier=f"rgent-{organization.pk:04}",
        state=MeterEvent.State.REJECTED,
        attempts=3,
        next_attempt_at=NOON,
        last_error="No such customer",
    )


def _make_daily(organization: Organization, api_key: ApiKey) -> DailyUsage:
    return DailyUsage.objects.create(
        organization=organization,
        day=NOON.date(),
        period_starts_at=MONTH_START,
        api_key=api_key,
        plan=haiku(),
        priced_at=MONTH_START,
        model=HAIKU,
        requests=1,
        input_tokens=5000,
        output_tokens=2000,
        cost_minor=EXACT_COST_MINOR,
    )
