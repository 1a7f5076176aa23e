"""The overview and the billing page: one number on every page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Membership
from accounts.pages.access import member_page
from billing.metering.posting import post_due
from billing.models import BillingAccount
from tests.factories import begin, make_customer, make_subscriber, make_user, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscriber(now, client):
    """A subscriber of Pro Haiku since a minute ago, its owner signed in."""
    customer = make_subscriber(now=now - timedelta(minutes=1))
    client.force_login(customer.organization.members.get())
    return customer


def page(client, name):
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", ["overview", "billing"])
def test_both_pages_show_the_exact_bill_and_what_stripe_will_charge(client, subscriber, now, name):
    settle(begin(subscriber, now=now), now=now, input_tokens=5000, output_tokens=2000)
    post_due()

    body = page(client, name)

    assert "$10.0195" in body
    assert "$10.02" in body


def test_overview_counts_requests_and_tokens_by_class(client, subscriber, now):
    grant = begin(subscriber, now=now)
    settle(grant, now=now, input_tokens=12345, cache_read_tokens=678, output_tokens=90)
    post_due()

    body = page(client, "overview")

    for text in ("12,345", "678", "90", "claude-haiku-5-5", grant.request_id, "Completed"):
        assert text in body


def test_overview_counts_the_free_requests_that_are_left(client, now):
    customer = make_customer()
    client.force_login(customer.organization.members.get())
    settle(begin(customer, now=now), now=now, input_tokens=10)

    assert "49 left" in page(client, "overview")


def test_first_steps_are_ticked_off_as_they_are_done(browser, organization):
    before = page(browser, "overview")
    browser.post(reverse("key_create"), {"name": "Laptop"})

    after = page(browser, "overview")

    assert "0 of 4 done" in before
    assert "1 of 4 done" in after


def test_an_empty_overview_says_what_to_do(browser):
    body = page(browser, "overview")

    assert "Waiting for your first request" in body
    assert "Nothing used yet" in body


@pytest.mark.parametrize("name", ["overview", "billing", "keys"])
def test_pages_show_nothing_of_another_organization(browser, now, name):
    stranger = make_subscriber(now=now - timedelta(minutes=1))
    grant = begin(stranger, now=now)
    settle(grant, now=now, input_tokens=5000, output_tokens=2000)
    post_due()

    body = page(browser, name)

    for text in (grant.request_id, stranger.organization.name, stranger.api_key.hint, "$10.0195"):
        assert text not in body


@pytest.mark.parametrize("name", ["overview", "billing", "keys", "checkout_return", "checkout_canceled"])
def test_a_stranger_is_sent_to_sign_in_and_back(client, name):
    answer = client.get(reverse(name))

    assert answer.url == f"{reverse('account_login')}?next={reverse(name)}"


@pytest.mark.parametrize("name", ["overview", "billing", "keys"])
def test_a_person_without_an_organization_is_told_so(client, name):
    client.force_login(make_user())

    answer = client.get(reverse(name))

    assert answer.status_code == 403
    assert "You belong to no organization" in answer.content.decode()


def test_a_person_in_two_organizations_sees_the_one_they_joined_last(client, owner, organization):
    other = make_customer().organization
    Membership.objects.create(organization=other, user=owner)
    client.force_login(owner)

    body = page(client, "overview")

    assert f'value="{other.id}" selected>{other.name}<' in body
    assert f'value="{organization.id}">{organization.name}<' in body


def test_pages_of_members_are_never_cached(browser):
    assert "no-store" in browser.get(reverse("overview")).headers["cache-control"]


def test_member_page_keeps_the_name_of_its_view():
    def some_page(request, membership):
        raise NotImplementedError

    assert member_page(some_page).__name__ == "some_page"


@pytest.mark.parametrize("name", ["overview", "billing"])
def test_both_pages_say_why_there_is_no_trial(client, name):
    organization = make_customer().organization
    BillingAccount.objects.filter(organization=organization).update(had_trial_before=True)
    client.force_login(organization.members.get())

    assert "had its free trial in another organization" in page(client, name)
