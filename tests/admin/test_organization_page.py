"""An organization's page in admin: read in one look, found by whatever its people quote, cheap with many keys."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from djstripe.models import Invoice

from accounts.models import ApiKey, User
from billing.limits.stops import forget_stops
from billing.models import BillingAccount, Stop
from tests.admin.cast import Cast, make_organization
from tests.walk.stripe_rows import make_invoice, make_notice_mail, make_stripe_customer


def page_of(admin: Client, cast: Cast, query: str = "") -> str:
    url = reverse("admin:accounts_organization_change", args=[cast.organization.pk])
    return admin.get(url + query).content.decode()


def test_it_tells_in_one_look_what_is_asked_of_support(admin: Client, cast: Cast) -> None:
    make_notice_mail(cast.owner, cast.organization)
    BillingAccount.objects.update(cap_minor=Decimal(2550))

    page = page_of(admin, cast)

    told = ["Pro Haiku", "Active", "$25.50", "cus_acme", cast.api_key.hint, cast.owner.email, cast.record.request_id]
    told += ["created the key", cast.discrepancy.subject, cast.invitation.email, "/customers/cus_acme"]
    assert [each for each in told if each not in page] == []


def test_it_asks_little_however_many_keys_there_are(admin: Client, cast: Cast, django_assert_max_num_queries) -> None:
    hash_of = "{:064}".format
    keys = [ApiKey(organization=cast.organization, name=f"Key {n}", key_hash=hash_of(n)) for n in range(200)]
    ApiKey.objects.bulk_create(keys)

    with django_assert_max_num_queries(30):
        first = page_of(admin, cast)
    second = page_of(admin, cast, "?keys=2")

    assert first.count("Key 1") < 12
    assert "?keys=2" in first
    assert "?keys=1" in second


def test_it_shows_only_what_the_reader_has_a_right_to(cast: Cast) -> None:
    support = User.objects.create_user("support@rgent.example", is_staff=True)
    support.user_permissions.set(Permission.objects.filter(codename__in=["view_organization", "view_membership"]))
    client = Client()
    client.force_login(support)

    page = page_of(client, cast)

    assert cast.owner.email in page
    assert not [hidden for hidden in (cast.api_key.hint, "cus_acme", "Suspend", "created the key") if hidden in page]


def test_it_says_that_an_organization_is_suspended_and_leads_to_restoring_it(admin: Client, cast: Cast) -> None:
    suspend = f"{reverse('admin:billing_stop_add')}?organization={cast.organization.pk}"
    before = page_of(admin, cast)

    Stop.objects.create(organization=cast.organization, reason="Abuse")
    forget_stops()
    after = page_of(admin, cast)

    assert suspend in before
    assert suspend not in after
    assert "Requests are refused" in after


@pytest.fixture
def found(admin: Client):
    """Return the names of the organizations that a search finds."""

    def names(term: str) -> list[str]:
        listed = admin.get(reverse("admin:accounts_organization_changelist"), {"q": term}).context["cl"]
        return [organization.name for organization in listed.result_list]

    return names


def test_it_is_found_by_whatever_its_people_quote(cast: Cast, found) -> None:
    make_organization("Other Ltd.")
    invoice = make_invoice(make_stripe_customer(cast.organization))
    number = "ACME-0001"
    Invoice.objects.update(stripe_data={**invoice.stripe_data, "number": number})

    terms = ["Acme", cast.owner.email, cast.api_key.last_four, invoice.customer.id, invoice.id, number]

    assert [term for term in [*terms, cast.record.request_id] if found(term) != ["Acme Inc."]] == []
    assert found("req_unknown") == []
