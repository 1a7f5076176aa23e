"""The first steps of a new organization, and which of them are done."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db.models import Exists
from django.urls import reverse

from accounts.models import ApiKey, Membership, Organization
from billing.models import BillingAccount
from billing.usage.totals import answered


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, its page, and whether it is done."""

    title: str
    hint: str
    url: str
    done: bool


def first_steps(*, membership: Membership, account: BillingAccount) -> list[Step]:
    """Return the steps from sign-up to a paid plan, in order."""
    confirmed, has_key, has_called = _done(membership)
    return [
        Step(
            title="Verify your email",
            hint="So that you can sign in again and receive receipts.",
            url=reverse("account_email"),
            done=confirmed,
        ),
        Step(
            title="Create an API key",
            hint="It opens the API in your organization's name.",
            url=reverse("keys"),
            done=has_key,
        ),
        Step(
            title="Make the first call",
            hint="The snippet below is ready to paste.",
            url="#quickstart",
            done=has_called,
        ),
        Step(
            title="Subscribe",
            hint="Go on after the free requests.",
            url=reverse("billing"),
            done=bool(account.stripe_subscription_id),
        ),
    ]


def _done(membership: Membership) -> tuple[bool, bool, bool]:
    """Tell in one query whether the member's address is confirmed, and the organization has a key and has called."""
    organization_id = membership.organization_id
    conditions = (
        EmailAddress.objects.filter(user_id=membership.user_id, verified=True),
        ApiKey.objects.filter(organization_id=organization_id),
        answered(organization_id=organization_id),
    )
    row = Organization.objects.filter(pk=organization_id).values_list(*map(Exists, conditions))
    confirmed, has_key, has_called = row.get()
    return confirmed, has_key, has_called
