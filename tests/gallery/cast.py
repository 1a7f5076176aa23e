"""The cast of the gallery, made inside a running product: `manage.py shell -c "from tests.gallery.cast import ..."`."""

import json
import secrets
from datetime import datetime, timedelta
from decimal import Decimal

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from django.utils import timezone
from djstripe import models as djstripe

from accounts.invitations import invite
from accounts.models import ApiKey, Membership, Organization, User
from accounts.organizations import create_organization
from billing.mail.sending import address_notices, send_due
from billing.models import BillingAccount, Plan, PlanPrice, PlanVersion, UsageRecord
from billing.periods import period_at
from billing.plans.publishing import publish_plans
from billing.subscriptions.sample_customers import create_sample_customer
from common import clock
from rgent.laptop.mailbox import newest_mails
from tests.filling import Amounts, fill, stored_customer

MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5")
SOME = Amounts(keys=3, members=2, invoices=2, requests=14, days=12, tokens=4_000_000)
MUCH = Amounts(keys=30, members=28, invoices=12, requests=160, days=90, tokens=1_000_000_000)
NAMES = {"empty": "Difference Engines", "some": "Flow-Matic", "much": "Analytical Engines of Greater London"}


def make() -> None:
    """Make an organization of each size, its owner signed in, and print the cookies and ids of each as JSON."""
    publish_plans()
    create_sample_customer(plan=Plan.objects.get(code="pro_haiku"))
    organizations = {size: _organization(size) for size in NAMES}
    _mails(organizations["much"])
    told = {
        "cookie": settings.SESSION_COOKIE_NAME,
        "people": {size: _ids(organization) for size, organization in organizations.items()},
        "mails": list({mail.subject: mail.name for mail in newest_mails() if mail.html}.values()),
    }
    print(json.dumps(told))


def _organization(size: str) -> Organization:
    email = f"ada.lovelace-{secrets.token_hex(3)}@example.com"
    owner = User.objects.create_user(email, "a long password", name="Ada Lovelace")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    organization = create_organization(owner=owner, name=NAMES[size])
    if size != "empty":
        _subscribe(organization)
        fill(organization, {"some": SOME, "much": MUCH}[size], now=clock.now())
    return organization


def _ids(organization: Organization) -> dict[str, object]:
    """Return what signs an organization's owner in, and the ids of addresses, 0 where there is no row."""
    account = BillingAccount.objects.get(organization=organization)
    key = ApiKey.objects.filter(organization=organization, revoked_at=None).order_by("id").first()
    request = UsageRecord.objects.filter(organization=organization).order_by("-id").first()
    invoice = djstripe.Invoice.objects.filter(customer__id=account.stripe_customer_id or "none").first()
    return {
        "session": _cookie(organization.memberships.get(role=Membership.Role.OWNER).user),
        "api_key_id": key.id if key else 0,
        "request_id": request.request_id if request else 0,
        "invoice_id": invoice.id if invoice else 0,
    }


def _subscribe(organization: Organization) -> None:
    """Put an organization on a plan with four models, two weeks into its period."""
    now = clock.now()
    period = period_at(anchor=now - timedelta(days=17), instant=now)
    plan, priced_at = _plan_of(organization)
    BillingAccount.objects.filter(organization=organization).update(
        plan=plan,
        status=BillingAccount.Status.ACTIVE,
        priced_at=priced_at,
        anchor_at=period.starts_at,
        period_starts_at=period.starts_at,
        period_ends_at=period.ends_at,
        spending_starts_at=period.starts_at,
        cap_minor=Decimal(500_000),
        stripe_customer_id=f"cus_gallery_{organization.pk}",
        stripe_subscription_id=f"sub_gallery_{organization.pk}",
        stripe_status="active",
        stripe_period_ends_at=period.ends_at,
    )
    _card(BillingAccount.objects.get(organization=organization))


def _plan_of(organization: Organization) -> tuple[Plan, datetime]:
    """Make a plan for the organization alone, with the prices of Pro Haiku for each of four models."""
    haiku = Plan.objects.get(code="pro_haiku")
    plan = _plan_like(haiku, organization)
    now = timezone.now()
    version = PlanVersion.objects.create(plan=plan, priced_at=now, base_price=plan.base_price)
    for factor, model in enumerate(MODELS, start=1):
        for price in PlanPrice.objects.filter(plan=haiku, model=MODELS[0]):
            row = PlanPrice.objects.create(
                plan=plan,
                model=model,
                token_class=price.token_class,
                price_per_1k=price.price_per_1k * factor,
                valid_from=now,
                stripe_price_id=f"price_{organization.pk}_{model}_{price.token_class}",
            )
            version.prices.add(row)
    return plan, now


def _plan_like(plan: Plan, organization: Organization) -> Plan:
    """Return a plan like another, made for an organization, by spend: Stripe bears no more than three models."""
    fields = {"name": "Pro Team", "base_price": plan.base_price, "description": plan.description, "position": 9}
    return Plan.objects.create(code=f"pro_team_{organization.pk}", made_for=organization, metering="spend", **fields)


def _card(account: BillingAccount) -> None:
    card = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2042}
    data = {"object": "payment_method", "type": "card", "card": card}
    customer = stored_customer(account)
    method = f"pm_gallery_{account.id}"
    customer.stripe_data = {"object": "customer", "invoice_settings": {"default_payment_method": method}}
    customer.save()
    djstripe.PaymentMethod.objects.create(id=method, livemode=False, customer=customer, stripe_data=data)


def _cookie(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def _mails(organization: Organization) -> None:
    """Send a mail of each kind to the owner."""
    from tests.billing.mail.test_letters import tell_of_everything

    account = BillingAccount.objects.get(organization=organization)
    customer, account.stripe_customer_id = account.stripe_customer_id, "cus_1"
    BillingAccount.objects.filter(id=account.id).update(stripe_customer_id="cus_1")
    tell_of_everything(account)
    BillingAccount.objects.filter(id=account.id).update(stripe_customer_id=customer)
    invite(
        organization=organization,
        email="grace@example.com",
        role=Membership.Role.MEMBER,
        invited_by=organization.members.first(),
        now=timezone.now(),
    )
    address_notices(now=timezone.now())
    send_due(stop_after_s=20)
