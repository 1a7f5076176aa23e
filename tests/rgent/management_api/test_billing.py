"""Money in the management API equals that of the bill, the ledger and Stripe."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.api_keys import create_api_key
from billing.bills.current import current_bill
from billing.ledger.entries import Void
from billing.metering.posting import post_due
from billing.models import BillingAccount, DailyUsage, PlanPrice
from tests.factories import begin, make_subscriber, make_user, settle, write
from tests.rgent.management_api.client import Manager, make_manager

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def subscriber(now) -> Manager:
    """The manager of an organization on Pro Haiku whose period began an hour ago."""
    return make_manager(make_subscriber(now=now - timedelta(hours=1)))


def spend(manager: Manager, *, now: datetime, **tokens: int) -> str:
    """Make one request that uses `input_tokens=...` and so on; return its id."""
    grant = begin(manager.customer, now=now)
    settle(grant, now=now, **tokens)
    post_due()
    return grant.request_id


def test_the_worked_example_is_on_the_bill_exactly_and_as_charged(subscriber, now):
    spend(subscriber, now=now, input_tokens=5000, output_tokens=2000)

    bill = subscriber.get("/bill")

    amounts = [(line["description"], line["exact_minor"], line["charged_minor"]) for line in bill["lines"]]
    assert amounts == [
        ("Pro Haiku, monthly base", "1000", "1000"),
        ("Input tokens", "0.65", "1"),
        ("Output tokens", "1.3", "1"),
    ]
    assert (bill["exact_minor"], bill["charged_minor"], bill["currency"]) == ("1001.95", "1002", "usd")
    assert bill["lines"][1]["unit_minor"] == "0.00013"


def test_the_bill_is_that_of_the_portal(subscriber, now):
    spend(subscriber, now=now, input_tokens=12_345, cache_read_tokens=777, output_tokens=1)

    bill = subscriber.get("/bill")

    page = current_bill(account=subscriber.customer.account, now=now)
    assert Decimal(bill["exact_minor"]) == page.exact_minor
    assert Decimal(bill["charged_minor"]) == page.charged_minor


def test_periods_are_half_open_and_in_utc(subscriber):
    period = subscriber.get("/bill")["period"]

    account = subscriber.customer.account
    assert period == {
        "starts_at": account.period_starts_at.isoformat().replace("+00:00", "Z"),
        "ends_at": account.period_ends_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("group_by", ["hour", "day", "model", "key", "member", "hour,day,model,key,member"])
def test_usage_adds_up_to_the_bill_however_it_is_told_apart(subscriber, now, group_by):
    for tokens in (1, 333, 7_919):
        spend(subscriber, now=now, input_tokens=tokens, cache_write_5m_tokens=tokens, output_tokens=tokens)

    usage = subscriber.get(f"/usage?group_by={group_by}")

    lines = current_bill(account=subscriber.customer.account, now=now).lines
    on_bill = sum((line.exact_minor for line in lines if "base" not in line.description), Decimal(0))
    assert Decimal(usage["total"]["exact_minor"]) == on_bill > 0
    assert sum(Decimal(row["exact_minor"]) for row in usage["data"]) == on_bill
    assert sum(row["input_tokens"] for row in usage["data"]) == usage["total"]["input_tokens"] == 8_253


def test_usage_is_told_apart_by_key_and_by_who_made_it(subscriber, now):
    maker = make_user(email="maker@example.com")
    second, _ = create_api_key(organization=subscriber.organization, name="=Server", created_by=maker)
    spend(subscriber, now=now, input_tokens=10)
    settle(begin(subscriber.customer, now=now, api_key_id=second.id), now=now, input_tokens=20)
    settle(begin(subscriber.customer, now=now, api_key_id=None), now=now, input_tokens=40)
    post_due()

    by_key = subscriber.get("/usage?group_by=key")["data"]
    by_member = subscriber.get("/usage?group_by=member")["data"]

    assert [(row["key_id"], row["key_name"], row["input_tokens"]) for row in by_key] == [
        (subscriber.customer.api_key.id, "Test", 10),
        (second.id, "=Server", 20),
        (None, None, 40),
    ]
    assert [(row["member_email"], row["input_tokens"]) for row in by_member] == [("maker@example.com", 20), (None, 50)]


def test_failed_requests_are_counted_and_free(subscriber, now):
    write([Void(grant=begin(subscriber.customer, now=now), outcome="overloaded")], now=now)
    post_due()

    total = subscriber.get("/usage")["total"]

    assert (total["requests"], total["failed_requests"], total["exact_minor"]) == (1, 1, "0")


def test_usage_of_days_leaves_the_last_day_out(subscriber, now):
    spend(subscriber, now=now, input_tokens=10)
    spend(subscriber, now=now - timedelta(days=1), input_tokens=5)
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    yesterday = now.date() - timedelta(days=1)

    usage = subscriber.get(f"/usage?group_by=day&starts_on={yesterday}&ends_on={today}")
    both = subscriber.get(f"/usage?group_by=day&starts_on={yesterday}&ends_on={tomorrow}")

    assert [(row["day"], row["input_tokens"]) for row in usage["data"]] == [(str(yesterday), 5)]
    assert usage["range"] == {"starts_at": f"{yesterday}T00:00:00Z", "ends_at": f"{today}T00:00:00Z"}
    assert [row["input_tokens"] for row in both["data"]] == [5, 10]


def test_usage_of_hours_leaves_the_last_hour_out(subscriber, now):
    hour = now.replace(minute=0, second=0, microsecond=0)
    earlier, later = hour - timedelta(hours=1), hour + timedelta(hours=1)
    spend(subscriber, now=hour - timedelta(microseconds=1), input_tokens=5)
    spend(subscriber, now=hour, input_tokens=10)
    instants = [f"{instant:%Y-%m-%dT%H:%M:%SZ}" for instant in (earlier, hour, later)]

    usage = subscriber.get(f"/usage?group_by=hour&starts_at={instants[0]}&ends_at={instants[1]}")
    both = subscriber.get(f"/usage?group_by=hour,model&starts_at={instants[0]}&ends_at={instants[2]}")

    assert [(row["hour"], row["input_tokens"]) for row in usage["data"]] == [(instants[0], 5)]
    assert usage["range"] == {"starts_at": instants[0], "ends_at": instants[1]}
    assert [(row["hour"], row["input_tokens"]) for row in both["data"]] == [(instants[0], 5), (instants[1], 10)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("group_by=hours", "group_by: Send any of `hour`, `day`"),
        ("starts_on=2026-11-01", "Send starts_on and ends_on, or"),
        ("starts_on=2026-11-01&ends_at=2026-11-02T00:00:00Z", "Send starts_on and ends_on, or"),
        ("starts_on=2026-11-02&ends_on=2026-11-02", "by at most 400 days"),
        ("starts_on=2025-01-01&ends_on=2026-11-02", "by at most 400 days"),
        ("starts_on=2026-10-01&ends_on=2026-11-02&group_by=hour", "by at most 31 days"),
        ("starts_at=2026-10-01T00:00:00Z&ends_at=2026-11-02T00:00:00Z", "by at most 31 days"),
        ("starts_at=2026-11-02T00:30:00Z&ends_at=2026-11-02T02:00:00Z", "starts_at: Send a whole hour"),
        ("starts_at=2026-11-02T00:00:00&ends_at=2026-11-02T02:00:00", "with its offset"),
        ("starts_on=yesterday&ends_on=2026-11-02", "starts_on: Date has wrong format"),
    ],
)
def test_a_range_that_cannot_be_is_refused_with_a_reason(subscriber, query, words):
    status, _, message = subscriber.error("GET", f"/usage?{query}")

    assert status == 400
    assert words in message


@pytest.mark.parametrize("ask", [{"path": "&format=csv"}, {"accept": "text/csv"}])
def test_usage_as_csv_holds_the_same_rows_and_no_formulas(subscriber, now, ask):
    second, _ = create_api_key(organization=subscriber.organization, name='=HYPERLINK("x"),1')
    settle(begin(subscriber.customer, now=now, api_key_id=second.id), now=now, input_tokens=7)
    post_due()

    headers = {"accept": ask["accept"]} if "accept" in ask else {}
    answer = subscriber.call("GET", f"/usage?group_by=day,key{ask.get('path', '')}", **headers)

    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert row["key_name"] == """'=HYPERLINK("x"),1"""
    assert (row["input_tokens"], row["exact_minor"], row["model"]) == ("7", "0.00091", "")


def test_requests_are_logged_the_newest_first_a_page_at_a_time(subscriber, now):
    made = [spend(subscriber, now=now, input_tokens=number) for number in (1, 2, 3)]

    first = subscriber.get("/requests?limit=2")
    rest = subscriber.get(f"/requests?after_id={first['last_id']}")

    assert [row["request_id"] for row in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_a_request_tells_its_tokens_and_what_it_cost(subscriber, now):
    request_id = spend(subscriber, now=now, input_tokens=5000, output_tokens=2000)
    running = begin(subscriber.customer, now=now).request_id

    settled = subscriber.get(f"/requests/{request_id}")

    assert (settled["state"], settled["exact_minor"], settled["output_tokens"]) == ("settled", "1.95", 2000)
    assert settled["key_id"] == subscriber.customer.api_key.id
    assert subscriber.get(f"/requests/{running}")["exact_minor"] is None


def test_why_a_request_failed_stays_between_us_and_claude(subscriber, now):
    grant = begin(subscriber.customer, now=now)
    write([Void(grant=grant, outcome="ClaudeUnavailable: http://10.0.0.5:9000 refused")], now=now)

    assert "10.0.0.5" not in subscriber.call("GET", f"/requests/{grant.request_id}").content.decode()


def test_requests_are_filtered_by_what_they_are(subscriber, now):
    old = spend(subscriber, now=now - timedelta(minutes=30), input_tokens=1)
    new = spend(subscriber, now=now, input_tokens=1)
    running = begin(subscriber.customer, now=now).request_id
    edge = now.isoformat().replace("+00:00", "Z")

    def ids(query: str) -> list[str]:
        return [row["request_id"] for row in subscriber.get(f"/requests?{query}")["data"]]

    assert ids("state=open") == [running]
    assert ids("state=settled") == [new, old]
    assert ids(f"starts_at={edge}") == [running, new]
    assert ids(f"ends_at={edge}") == [old]
    assert ids("model=claude-sonnet-5-5") == []
    assert ids(f"key_id={subscriber.customer.api_key.id}&limit=1") == [running]


def test_a_page_after_a_request_that_there_is_not_is_a_404(subscriber):
    assert subscriber.error("GET", "/requests?after_id=req_nothing")[0] == 404


def test_a_cap_is_set_held_to_and_lifted(subscriber, now):
    spend(subscriber, now=now, input_tokens=5000, output_tokens=2000)

    capped = subscriber.ok("PUT", "/cap", {"cap_minor": "2.000000000001"})
    lifted = subscriber.ok("PUT", "/cap", {"cap_minor": None})

    assert (capped["cap_minor"], capped["spent_minor"], capped["left_minor"]) == (
        "2.000000000001",
        "1.95",
        "0.050000000001",
    )
    assert (lifted["cap_minor"], lifted["left_minor"]) == (None, None)


def test_a_cap_that_is_spent_leaves_nothing(subscriber, now):
    spend(subscriber, now=now, input_tokens=5000, output_tokens=2000)

    assert subscriber.ok("PUT", "/cap", {"cap_minor": "0"})["left_minor"] == "0"


@pytest.mark.parametrize("cap", ["-1", 5000, 1.5, "1e9", "NaN", "0.0000000000001", "", "9" * 16, " 1", [], True])
def test_a_cap_that_is_no_exact_amount_is_refused(subscriber, cap):
    status, _, message = subscriber.error("PUT", "/cap", {"cap_minor": cap})

    assert (status, message.partition(":")[0]) == (400, "cap_minor")
    assert subscriber.customer.account.cap_minor is None


def test_setting_no_cap_takes_a_null(subscriber):
    assert subscriber.error("PUT", "/cap", {})[2] == "cap_minor: This field is required."


def test_the_subscription_of_a_paid_plan_tells_its_status_in_both_words(subscriber):
    BillingAccount.objects.filter(organization=subscriber.organization).update(
        status="past_due", stripe_status="past_due"
    )

    standing = subscriber.get("/subscription")

    assert (standing["plan"], standing["status"], standing["stripe_status"]) == ("pro_haiku", "past_due", "past_due")
    assert standing["subscription_id"].startswith("sub_")
    assert standing["trial"] is None


def test_what_is_told_in_a_period_is_only_of_that_period(subscriber, now):
    spend(subscriber, now=now, input_tokens=5)
    DailyUsage.objects.filter(organization=subscriber.organization).update(
        period_starts_at=now - timedelta(days=40), day=(now - timedelta(days=40)).date()
    )

    assert subscriber.get("/usage")["data"] == []


def test_prices_are_of_rows_as_they_were_priced(subscriber, now):
    spend(subscriber, now=now, input_tokens=1000)
    row = PlanPrice.objects.get(plan__code="pro_haiku", token_class="input")
    PlanPrice.objects.create(plan=row.plan, model=row.model, token_class="input", price_per_1k=Decimal(9))

    assert subscriber.get("/bill")["lines"][1]["unit_minor"] == "0.00013"
