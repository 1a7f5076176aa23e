"""Changes that staff may make beside plans: a cap, a key's revocation, a discrepancy, a membership."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey, Membership, User
from billing.models import BillingAccount, Discrepancy
from tests.admin.cast import Cast


def cap_page(cast: Cast) -> str:
    return reverse("admin:billing_billingaccount_change", args=[cast.account.pk])


@pytest.mark.parametrize(("typed", "cents"), [("25.5", Decimal(2550)), ("0", Decimal(0)), ("", None)])
def test_a_cap_is_typed_in_dollars_and_kept_in_cents(
    admin: Client, cast: Cast, typed: str, cents: Decimal | None
) -> None:
    BillingAccount.objects.update(cap_minor=Decimal(100))

    admin.post(cap_page(cast), {"cap": typed})

    cast.account.refresh_from_db()
    assert cast.account.cap_minor == cents


def test_setting_a_cap_changes_nothing_else(admin: Client, cast: Cast) -> None:
    BillingAccount.objects.update(spent_minor=Decimal(700), held_minor=Decimal(30))

    admin.post(cap_page(cast), {"cap": "25", "spent_minor": "0", "held_minor": "0", "plan": "1", "status": "trial"})

    account = BillingAccount.objects.get()
    assert (account.cap_minor, account.spent_minor, account.held_minor) == (2500, 700, 30)
    assert account.status == BillingAccount.Status.ACTIVE


def test_setting_a_cap_cannot_undo_what_a_request_spends_meanwhile(admin: Client, cast: Cast) -> None:
    with CaptureQueriesContext(connection) as queries:
        admin.post(cap_page(cast), {"cap": "25"})

    written = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "billing_billingaccount"')]
    assert len(written) == 1
    assert "cap_minor" in written[0]
    assert "spent_minor" not in written[0]


@pytest.mark.parametrize("typed", ["-1", "1.005", "much"])
def test_a_wrong_cap_is_refused(admin: Client, cast: Cast, typed: str) -> None:
    answer = admin.post(cap_page(cast), {"cap": typed})

    assert answer.context["adminform"].form.errors["cap"]
    assert BillingAccount.objects.get().cap_minor is None


def test_a_cap_is_shown_in_dollars(admin: Client, cast: Cast) -> None:
    BillingAccount.objects.update(cap_minor=Decimal(2550))

    page = admin.get(cap_page(cast)).content.decode()

    assert 'value="25.5"' in page


def test_the_revoke_action_revokes_the_chosen_keys(admin: Client, cast: Cast) -> None:
    admin.post(
        reverse("admin:accounts_apikey_changelist"),
        {"action": "revoke_selected", "_selected_action": [cast.api_key.pk]},
    )

    assert not ApiKey.objects.usable().filter(pk=cast.api_key.pk).exists()


def test_a_key_is_revoked_on_its_page(admin: Client, cast: Cast) -> None:
    url = reverse("admin:accounts_apikey_revoke", args=[cast.api_key.pk])

    looked_at = admin.get(url)
    still_usable = ApiKey.objects.usable().filter(pk=cast.api_key.pk).exists()
    confirmed = admin.post(url, {"_form_submitted": "on"}, headers={"HX-Request": "true"})

    assert (looked_at.status_code, still_usable) == (200, True)
    assert confirmed.headers["HX-Redirect"] == reverse("admin:accounts_apikey_change", args=[cast.api_key.pk])
    assert not ApiKey.objects.usable().filter(pk=cast.api_key.pk).exists()


def test_a_resolved_discrepancy_leaves_the_list(admin: Client, cast: Cast) -> None:
    url = reverse("admin:billing_discrepancy_changelist")

    admin.post(url, {"action": "resolve", "_selected_action": [cast.discrepancy.pk]})

    assert Discrepancy.objects.get().resolved_at is not None
    assert cast.discrepancy.subject not in admin.get(url).content.decode()
    assert cast.discrepancy.subject in admin.get(url, {"state": "resolved"}).content.decode()


def test_the_last_owner_of_an_organization_stays(admin: Client, cast: Cast) -> None:
    page = reverse("admin:accounts_membership_change", args=[cast.membership.pk])

    demoted = admin.post(page, {"role": "member"})
    removed = admin.post(reverse("admin:accounts_membership_delete", args=[cast.membership.pk]), {"post": "yes"})

    assert "only owner" in demoted.content.decode()
    assert removed.status_code == 403
    assert cast.membership.role == Membership.Role.OWNER


def test_a_member_is_added_and_given_another_role(admin: Client, cast: Cast) -> None:
    person = User.objects.create_user("second@acme.example")

    admin.post(
        reverse("admin:accounts_membership_add"),
        {"organization": cast.organization.pk, "user": person.pk, "role": "member"},
    )
    membership = Membership.objects.get(user=person)
    admin.post(reverse("admin:accounts_membership_change", args=[membership.pk]), {"role": "owner"})

    membership.refresh_from_db()
    assert membership.role == Membership.Role.OWNER
