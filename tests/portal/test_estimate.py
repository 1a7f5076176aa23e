"""The cost estimator: the bill's own arithmetic, for a month that an address holds."""

import pytest

from accounts.models import Organization
from billing.bills.current import current_bill
from billing.metering.posting import post_due
from billing.models import BillingAccount, Plan
from billing.pages.estimate import estimate
from billing.pages.price_table import plans_on_sale
from tests.factories import NOON, begin, make_subscriber, settle

pytestmark = pytest.mark.django_db

MONTH = {"model": "pro_haiku/claude-haiku-5-5", "requests": "3", "input": "1001", "cached": "1", "output": "333"}


def page(client, **fields) -> str:
    answer = client.get("/pricing/", {**MONTH, **fields})
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_the_bill_of_the_same_month_line_by_line(client, rf):
    customer = make_subscriber()
    for _ in range(3):
        settle(begin(customer), input_tokens=1000, cache_read_tokens=1, output_tokens=333)
    post_due()
    bill = current_bill(account=customer.account, now=NOON)

    estimated = estimate(rf.get("/", MONTH).GET, plans=plans_on_sale(), now=NOON).bill

    assert estimated.exact_minor == bill.exact_minor
    assert estimated.charged_minor == sum(line.charged_minor for line in bill.lines)
    told = [(line.quantity, line.unit_minor, line.charged_minor) for line in estimated.lines]
    assert sorted(told) == sorted((line.quantity, line.unit_minor, line.charged_minor) for line in bill.lines)


def test_the_page_shows_its_arithmetic_and_keeps_what_was_entered(client):
    body = page(client)

    # 10 + 3000 x 0.0000013 + 3 x 0.00000013 + 999 x 0.0000065, and by lines 10 + 0 + 0 + 0.01.
    assert "$10.01039389" in body
    assert "$10.01 <small>a month" in body
    assert "999 × $0.0065 / 1k" in body
    assert 'value="1001"' in body


def test_a_plan_by_spend_is_worked_out_as_one_line(client):
    Plan.objects.filter(code="pro_haiku").update(metering=Plan.Metering.SPEND)

    body = page(client)

    assert "$10.01039389" in body
    assert ">Usage<" in body


def test_a_page_without_a_query_shows_a_usual_month(client):
    assert "a month, before tax" in client.get("/pricing/").content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"requests": "0"}, "At least 1."),
        ({"requests": "-5"}, "At least 1."),
        ({"requests": "1e9"}, "Enter a whole number, without separators."),
        ({"requests": "9" * 400}, "At most 1,000,000,000."),
        ({"input": "1000001"}, "At most 1,000,000."),
        ({"output": ""}, "Enter a number."),
        ({"cached": "1002"}, "More than the input itself"),
        ({"model": "pro_haiku/gpt-4"}, "This model is not on sale"),
        ({"input": "<b>"}, "Enter a whole number"),
    ],
)
def test_an_absurd_number_is_told_what_is_wrong_with_it(client, fields, words):
    body = page(client, **fields)

    assert words in body
    assert "There is no estimate yet" in body


def test_the_portal_has_it_too(browser, organization: Organization):
    assert BillingAccount.objects.filter(organization=organization).exists()

    assert "$10.01039389" in page(browser)


def test_without_a_plan_there_is_none(client):
    Plan.objects.update(is_active=False)

    assert "What will a month cost?" not in page(client)


@pytest.mark.parametrize(("policy", "words"), [("cancel", "is cut off"), ("drain", "read to its end all the same")])
def test_the_questions_are_answered_by_the_settings(client, settings, policy, words):
    settings.STREAM_ABORT_POLICY = policy

    assert words in page(client)


def test_the_page_asks_twelve_queries_at_most(browser, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page(browser)
