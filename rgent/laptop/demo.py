"""The demo of the sandbox mode: published plans, and an organization whose key stands in the manual."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, User
from accounts.organizations import create_organization
from accounts.secret_hash import secret_hash
from billing.plans import publishing
from billing.subscriptions.state import open_billing_account
from common import clock

DEMO_KEY = "test123"
DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "demo-password"  # noqa: S105 - shown on the log-in page of the sandbox mode, and only there


class NotInSandbox(Exception):
    """The demo would open a real service to everybody."""


def seed_demo() -> None:
    """Publish the plans where the sandbox lacks them, and create what is missing of the demo.

    Raises NotInSandbox elsewhere.
    """
    if not settings.SANDBOX:
        raise NotInSandbox("The demo organization and its key exist in the sandbox mode alone.")
    if not publishing.is_published():
        publishing.publish_plans()
    _seed_accounts()


def has_demo() -> bool:
    """Tell whether the database has the demo's key."""
    return ApiKey.objects.filter(key_hash=secret_hash(DEMO_KEY)).exists()


def demo_access() -> list[str]:
    """Name what of the demo opens the database: its key while it is in force, its password while it is unchanged."""
    opened = []
    if ApiKey.objects.filter(key_hash=secret_hash(DEMO_KEY), revoked_at=None).exists():
        opened.append(f"The demo's API key {DEMO_KEY}")
    owner = User.objects.filter(email=DEMO_EMAIL, is_active=True).first()
    if owner and owner.check_password(DEMO_PASSWORD):
        opened.append(f"The password of {DEMO_EMAIL}")
    return opened


@transaction.atomic
def _seed_accounts() -> None:
    """Create the demo's organization, its owner, who may use the admin too, and its key."""
    if has_demo():
        return
    owner = User.objects.create_superuser(DEMO_EMAIL, DEMO_PASSWORD, name="Demo")
    EmailAddress.objects.create(user=owner, email=DEMO_EMAIL, verified=True, primary=True)
    organization = create_organization(owner=owner, name="Demo organization")
    open_billing_account(organization=organization, now=clock.now())
    create_api_key(organization=organization, name="Demo", key=DEMO_KEY)
