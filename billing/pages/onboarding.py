"""The first steps of a new organization, and which of them are done."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.urls import reverse

from accounts.models import ApiKey, Membership
from billing.models import BillingAccount
from billing.usage.totals import has_called


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, its page, and whether it is done."""

    title: str
    hint: str
    url: str
    done: bool


def first_steps(*, membership: Membership, account: BillingAccount) -> list[Step]:
    """Return the steps from sign-up to a paid plan, in order."""
    organization_id = membership.organization_id
    return [
        Step(
            title="Verify your email",
            hint="So that you can sign in again and receive receipts.",
            url=reverse("account_email"),
            done=EmailAddress.objects.filter(user_id=membership.user_id, verified=True).exists(),
        ),
        Step(
            title="Create an API key",
            hint="It opens the API in your organization's name.",
            url=reverse("keys"),
            done=ApiKey.objects.filter(organization_id=organization_id).exists(),
        ),
        Step(
            title="Make the first call",
            hint="The snippet below is ready to paste.",
            url="#quickstart",
            done=has_called(organization_id=organization_id),
        ),
        Step(
            title="Subscribe",
            hint="Go on after the free requests.",
            url=reverse("billing"),
            done=bool(account.stripe_subscription_id),
        ),
    ]
