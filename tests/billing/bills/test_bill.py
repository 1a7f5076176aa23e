"""The current bill: exact, and as Stripe will charge it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.bills.current import CurrentBill, current_bill
from billing.metering.posting import post_due
from billing.models import BillingAccount, Plan, PlanPrice
from billing.plans.price_lists import revise_price
from tests.billing.subscribing import make_paying_customer
from tests.factories import NOON, Customer, begin, make_customer, make_subscriber, settle

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=3)


def use(customer: Customer, *, now=NOON, **tokens: int) -> None:
    settle(begin(customer, now=now), now=now, **tokens)
    post_due()


def bill_of(customer: Customer, *, now=LATER) -> CurrentBill:
    return current_bill(account=customer.account, now=now)


def change(customer: Customer, **fields) -> None:
    BillingAccount.objects.filter(organization=customer.organization).update(**fields)


def test_bill_is_exact_and_says_what_stripe_will_charge():
    customer = make_subscriber()
    use(customer, input_tokens=5000, output_tokens=2000)

    bill = bill_of(customer)

    assert [(line.description, line.quantity, line.exact, line.charged) for line in bill.lines] == [
        ("Pro Haiku, monthly base", 1, "$10.00", "$10.00"),
        ("Input tokens", 5000, "$0.0065", "$0.01"),
        ("Output tokens", 2000, "$0.013", "$0.01"),
    ]
    assert (bill.exact_minor, bill.charged_minor) == (Decimal("1001.95"), 1002)
    assert (bill.exact, bill.charged) == ("$10.0195", "$10.02")


def test_bill_rounds_line_by_line_and_not_the_total():
    customer = make_subscriber()
    use(customer, input_tokens=3846, output_tokens=769)

    bill = bill_of(customer)

    assert bill.exact_minor == Decimal("1000.99983")
    assert bill.charged_minor == 1000


def test_bill_rounds_the_sum_of_a_price_and_not_each_request():
    customer = make_subscriber()
    for _ in range(4):
        use(customer, input_tokens=1000)

    bill = bill_of(customer)

    assert bill.lines[1].quantity == 4000
    assert bill.charged_minor == 1001


def test_bill_prices_every_token_class():
    customer = make_subscriber()
    use(
        customer,
        input_tokens=1000,
        cache_write_5m_tokens=1000,
        cache_write_1h_tokens=1000,
        cache_read_tokens=1000,
        output_tokens=1000,
    )

    bill = bill_of(customer)

    assert [(line.description, line.unit_price) for line in bill.lines[1:]] == [
        ("Input tokens", "$0.0013 / 1k"),
        ("Cache write, 5 min tokens", "$0.001625 / 1k"),
        ("Cache write, 1 h tokens", "$0.0026 / 1k"),
        ("Cache read tokens", "$0.00013 / 1k"),
        ("Output tokens", "$0.0065 / 1k"),
    ]
    assert bill.exact_minor == 1000 + customer.account.spent_minor


def test_a_price_that_changed_within_the_period_has_a_line_of_its_own():
    customer = make_subscriber()
    use(customer, input_tokens=1000)
    old = PlanPrice.objects.get(plan__code="pro_haiku", token_class="input")
    new = revise_price(price=old, price_per_1k=Decimal("0.002"), now=old.valid_from + timedelta(days=1))
    PlanPrice.objects.filter(id=new.id).update(stripe_price_id="price_new")
    change(customer, priced_at=new.valid_from)
    use(customer, now=LATER, input_tokens=3000)

    bill = bill_of(customer)

    assert [(line.quantity, line.unit_price) for line in bill.lines[1:]] == [
        (1000, "$0.0013 / 1k"),
        (3000, "$0.002 / 1k"),
    ]


def test_usage_of_another_period_is_on_another_bill():
    customer = make_subscriber()
    use(customer, input_tokens=5000)

    bill = bill_of(customer, now=NOON + timedelta(days=40))

    assert [line.quantity for line in bill.lines] == [1]
    assert bill.period.starts_at == NOON.replace(month=12)


def test_base_is_that_of_the_month_that_follows():
    bill = bill_of(make_subscriber())

    assert bill.lines[0].detail == "10 Dec 2026 to 10 Jan 2027, in advance"


def test_subscription_that_ends_with_the_period_pays_no_further_base():
    customer = make_subscriber()
    use(customer, output_tokens=2000)
    change(customer, cancel_at=customer.account.period_ends_at)

    bill = bill_of(customer)

    assert [line.description for line in bill.lines] == ["Output tokens"]
    assert (bill.charge.lines_minor, bill.charged_minor) == (1, 0)  # Stripe charges no less than 50 cents


def test_free_requests_are_on_no_bill():
    customer = make_customer()
    use(customer, now=customer.account.period_starts_at, input_tokens=5000, output_tokens=2000)

    bill = bill_of(customer, now=customer.account.period_starts_at)

    assert (bill.lines, bill.exact, bill.charged) == ((), "$0.00", "$0.00")


def test_free_requests_made_in_the_period_of_the_subscription_stay_free():
    customer = make_customer()
    now = customer.account.period_starts_at
    use(customer, now=now, input_tokens=5000)
    subscriber = make_subscriber(now=now).account
    change(
        customer,
        plan=subscriber.plan,
        status=subscriber.status,
        priced_at=subscriber.priced_at,
        stripe_subscription_id="sub_upgraded",
    )
    use(customer, now=now, output_tokens=1000)

    bill = bill_of(customer, now=now)

    assert [line.description for line in bill.lines] == ["Pro Haiku, monthly base", "Output tokens"]


def test_an_edited_plan_leaves_the_base_of_a_subscription_as_it_was(sandbox):
    customer = make_paying_customer()
    Plan.objects.filter(code="pro_haiku").update(base_price=Decimal(12))

    bill = bill_of(customer, now=customer.account.period_starts_at)

    assert bill.lines[0].exact == "$10.00"
