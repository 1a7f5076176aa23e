"""Every page of the admin, with rows on it."""

from decimal import Decimal

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey, Membership, Organization, User
from accounts.secret_hash import secret_hash
from billing.keys.terms import KeyTerms, change_key
from billing.models import BillingAccount, DailyUsage, Discrepancy, MeterEvent, UsageRecord
from tests.admin.cast import Cast, haiku, make_neighbour, make_record, price

OURS = [model for model in site._registry if model._meta.app_label in {"accounts", "billing", "account", "auth"}]
STRIPE = [model for model in site._registry if model._meta.app_label == "djstripe"]


def changelist(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change(row: object, view: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{view}", args=[row.pk])


def all_rows(cast: Cast) -> list[object]:
    return [
        cast.organization,
        cast.owner,
        cast.account,
        cast.api_key,
        cast.record,
        cast.event,
        cast.discrepancy,
        cast.invitation,
        cast.daily,
        cast.membership,
        haiku(),
        price(),
    ]


def test_a_key_is_shown_with_its_limits(admin: Client, cast: Cast) -> None:
    terms = KeyTerms(models=["claude-haiku-5-5"], cap_minor=Decimal(1050))
    change_key(api_key=cast.api_key, terms=terms, now=cast.account.period_starts_at)

    pages = [changelist(ApiKey), change(cast.api_key), change(cast.organization)]
    bodies = [admin.get(page).content.decode() for page in pages]

    # The cast has a posted day and a record that is not posted, of 1.950000000001 cents each.
    expected = "$10.50: $0.03900000000002 spent, $0.00 held, $10.46099999999998 left"
    assert all(expected in body for body in bodies)
    assert all("claude-haiku-5-5" in body for body in bodies)


@pytest.mark.parametrize("view", ["change", "history"])
def test_no_page_tells_a_secret(admin: Client, cast: Cast, view: str) -> None:
    secrets = [cast.key_text, secret_hash(cast.key_text), cast.invitation.token_hash]

    pages = [admin.get(change(row, view)).content.decode() for row in all_rows(cast)]
    pages += [admin.get(changelist(model)).content.decode() for model in OURS]

    assert not [secret for secret in secrets for page in pages if secret in page]


def test_a_cost_is_shown_to_its_last_decimal(admin: Client, cast: Cast) -> None:
    page = admin.get(change(cast.record)).content.decode()

    assert "$0.01950000000001" in page
    assert "5,000" in page


def test_searches_by_claude_itself_are_seen_with_the_request(admin: Client, cast: Cast) -> None:
    UsageRecord.objects.filter(pk=cast.record.pk).update(server_tool_use={"web_search_requests": 1234})

    pages = [admin.get(url).content.decode() for url in (change(cast.record), changelist(UsageRecord))]

    assert all("web_search_requests: 1,234" in page for page in pages)


def test_the_organization_page_leads_to_its_usage(admin: Client, cast: Cast) -> None:
    page = admin.get(change(cast.organization)).content.decode()

    link = f"{reverse('admin:billing_usagerecord_changelist')}?organization__id__exact={cast.organization.pk}"
    assert link in page
    assert cast.record.request_id in admin.get(link).content.decode()


def test_an_organization_without_a_billing_account_opens(admin: Client, cast: Cast) -> None:
    cast.account.delete()

    answers = [admin.get(change(cast.organization)), admin.get(changelist(type(cast.organization)))]

    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("term", ["acme", "owner@acme.example", "cus_acme", "last four"])
def test_an_organization_is_found_by(admin: Client, cast: Cast, term: str) -> None:
    query = cast.api_key.last_four if term == "last four" else term

    page = admin.get(changelist(type(cast.organization)), {"q": query}).content.decode()

    assert change(cast.organization) in page


def test_the_menu_counts_open_discrepancies(admin: Client, cast: Cast) -> None:
    menu = admin.get(reverse("admin:index")).context["sidebar_navigation"]

    items = {item["title"]: item for section in menu for item in section["items"]}
    assert items["Discrepancies"]["badge"] == 1


def test_the_ledger_is_never_counted(admin: Client, cast: Cast, django_assert_max_num_queries) -> None:
    for _ in range(60):
        make_record(cast.organization)

    with django_assert_max_num_queries(8) as queries:
        answer = admin.get(reverse("admin:billing_usagerecord_changelist"))

    assert answer.status_code == 200
    assert not [query["sql"] for query in queries if "COUNT" in query["sql"] and "usagerecord" in query["sql"]]


def test_no_list_asks_once_for_each_row(admin: Client, cast: Cast) -> None:
    models = [Organization, ApiKey, Membership, BillingAccount, UsageRecord, DailyUsage, MeterEvent, Discrepancy]

    def queries() -> dict[str, int]:
        counts = {}
        for model in models:
            with CaptureQueriesContext(connection) as captured:
                admin.get(changelist(model))
            counts[model.__name__] = len(captured)
        return counts

    with_one_of_each = queries()
    for name in ("Globex", "Initech"):
        make_neighbour(name)

    assert queries() == with_one_of_each


def test_staff_without_rights_are_told_so(cast: Cast) -> None:
    staff = User.objects.create_user("staff@rgent.example", is_staff=True)
    client = Client()
    client.force_login(staff)

    index = client.get(reverse("admin:index"))

    assert "ask a superuser" in index.content.decode()
    assert client.get(change(cast.record)).status_code == 403
