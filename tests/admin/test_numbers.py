"""The operator's numbers on the admin's first page, and as a file."""

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.models import UsageRecord
from tests.admin.cast import Cast
from tests.billing.revenue.rows import make_cost, make_total
from tests.factories import make_subscriber


def sold(cost: str) -> None:
    """Sell a million input tokens today."""
    make_cost("input", "1")
    make_total(make_subscriber(), day=timezone.now().date(), cost=cost, input_tokens=1_000_000)


def test_the_first_page_shows_them(admin: Client, django_assert_max_num_queries) -> None:
    sold("130")

    with django_assert_max_num_queries(30) as queries:
        page = admin.get(reverse("admin:index")).content.decode()

    assert [
        told
        for told in ("$10.00", "$1.30", "$0.30", "23 %; Claude takes $1.00", "Pro Haiku", "claude-haiku-5-5")
        if told not in page
    ] == []
    ledger = UsageRecord._meta.db_table
    assert [q["sql"] for q in queries if f'FROM "{ledger}"' in q["sql"] and "posted_at" not in q["sql"]] == []


def test_a_margin_without_claudes_prices_is_unknown(admin: Client) -> None:
    make_total(make_subscriber(), day=timezone.now().date(), cost="130", input_tokens=1_000_000)

    page = admin.get(reverse("admin:index")).content.decode()

    assert "Without a price of Claude&#x27;s: claude-haiku-5-5" in page


def test_the_file_has_exact_amounts(admin: Client) -> None:
    sold("130.000000000001")

    lines = admin.get(reverse("admin:billing_numbers_csv")).content.decode().splitlines()

    assert lines == [
        "day,plan,requests,revenue_usd,claude_cost_usd,margin_usd",
        f"{timezone.now():%Y-%m-%d},Pro Haiku,1,1.30000000000001,1,0.30000000000001",
    ]


def test_only_those_with_the_right_see_them(cast: Cast) -> None:
    sold("130")
    staff = User.objects.create_user("staff@rgent.example", is_staff=True)
    staff.user_permissions.set(Permission.objects.exclude(codename="view_numbers"))
    client = Client()
    client.force_login(staff)

    assert "MRR" not in client.get(reverse("admin:index")).content.decode()
    assert client.get(reverse("admin:billing_numbers_csv")).status_code == 403
