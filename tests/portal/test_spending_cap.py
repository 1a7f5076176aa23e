"""The spending cap on the billing page: seen by all, changed by owners and admins, told about when little is left."""

from decimal import Decimal

import pytest

from accounts.models import Organization
from billing.caps.thresholds import percents_of
from billing.models import BillingAccount, Plan, PlanPrice

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(organization) -> BillingAccount:
    """A billing account on Pro Haiku that may spend ten dollars."""
    plan = Plan.objects.get(code="pro_haiku")
    PlanPrice.objects.filter(plan=plan).update(stripe_price_id="price_x")
    BillingAccount.objects.filter(organization=organization).update(plan=plan, cap_minor=Decimal(1000))
    return BillingAccount.objects.get(organization=organization)


def spend(account: BillingAccount, spent_minor: Decimal) -> None:
    """Let this much be spent in this period."""
    BillingAccount.objects.filter(id=account.id).update(spent_minor=spent_minor)


def cap_of(organization) -> Decimal | None:
    """Return the cap as it is stored."""
    return BillingAccount.objects.get(organization=organization).cap_minor


def test_an_owner_sets_the_cap_and_when_to_be_told(browser, organization):
    answer = browser.post("/app/billing/cap", {"cap": "12.5", "percents": "90%, 30 30"}, follow=True)

    assert "The spending cap is saved" in answer.content.decode()
    assert cap_of(organization) == 1250
    assert percents_of(Organization.objects.get(pk=organization.pk)) == [30, 90]


def test_an_owner_lifts_the_cap_and_wants_no_mail(browser, organization, account):
    browser.post("/app/billing/cap", {"cap": "", "percents": ""})

    assert cap_of(organization) is None
    assert percents_of(Organization.objects.get(pk=organization.pk)) == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"cap": "much", "percents": "50"}, "Enter a number"),
        ({"cap": "-1", "percents": "50"}, "greater than or equal to 0"),
        ({"cap": "5", "percents": "0"}, "Whole percents from 1 to 100"),
        ({"cap": "5", "percents": "50, often"}, "Whole percents from 1 to 100"),
        ({"cap": "5", "percents": "1 2 3 4 5 6 7 8 9 10 11"}, "10 of them at most"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_changed(browser, organization, account, form, words):
    answer = browser.post("/app/billing/cap", form)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert cap_of(organization) == 1000


def test_a_member_sees_the_cap_and_cannot_change_it(member_browser, organization, account):
    page = member_browser.get("/app/billing/").content.decode()
    answer = member_browser.post("/app/billing/cap", {"cap": "", "percents": ""})

    assert "$10.00" in page
    assert "50 %, 80 % and 100 % of a cap" in page
    assert 'name="cap"' not in page
    assert answer.status_code == 403
    assert cap_of(organization) == 1000


@pytest.mark.parametrize(
    ("spent_minor", "words"),
    [
        (Decimal(799), ""),
        (Decimal("800.1"), "80 % of the spending cap of $10.00 is used ($8.001)"),
        (Decimal("999.9"), "The spending cap of $10.00 is used up ($9.999)"),
    ],
)
@pytest.mark.parametrize("page", ["/app/", "/app/billing/"])
def test_pages_say_when_little_of_the_cap_is_left(browser, account, page, spent_minor, words):
    spend(account, spent_minor)

    shown = browser.get(page).content.decode()

    assert words in shown
    assert ("Change the cap" in shown) == bool(words)
