"""The trial is told at four fifths and at its end, once each."""

from datetime import timedelta

import pytest

from billing.mail.trial import tell_of_trials
from billing.models import BillingAccount, Notice, Plan
from tests.factories import NOON, begin, make_customer, settle

pytestmark = pytest.mark.django_db


def told(customer) -> list[str]:
    """Do what the task does twice, and return what the customer was told so far."""
    tell_of_trials(now=NOON)
    tell_of_trials(now=NOON)
    notices = Notice.objects.filter(organization=customer.organization).order_by("id")
    return list(notices.values_list("occasion", flat=True))


def use(customer, *, requests: int) -> None:
    """Make a request, as the last of so many."""
    BillingAccount.objects.filter(organization=customer.organization).update(trial_used=requests - 1)
    settle(begin(customer), input_tokens=10)


def test_a_trial_is_told_at_40_and_at_50_of_50_requests():
    customer = make_customer()
    seen = []
    for requests in (39, 40, 49, 50):
        use(customer, requests=requests)
        seen.append(told(customer))

    assert seen == [[], ["40 of 50"], ["40 of 50"], ["40 of 50", "50 of 50"]]


def test_another_number_of_requests_is_told_in_proportion():
    Plan.objects.filter(is_trial=True).update(trial_requests=7)
    customer = make_customer()
    use(customer, requests=5)
    assert told(customer) == []

    use(customer, requests=6)
    assert told(customer) == ["6 of 7"]


def test_a_trial_that_is_used_up_at_once_is_told_once():
    customer = make_customer()
    use(customer, requests=50)

    assert told(customer) == ["50 of 50"]


def test_a_request_that_runs_may_be_given_back_and_is_waited_for():
    customer = make_customer()
    use(customer, requests=39)
    running = begin(customer)

    assert told(customer) == []

    settle(running, input_tokens=10)
    assert told(customer) == ["40 of 50"]


def test_a_trial_that_nobody_uses_any_more_is_no_news():
    customer = make_customer()
    use(customer, requests=50)

    tell_of_trials(now=NOON + timedelta(days=2))

    assert not Notice.objects.exists()


def test_subscribers_are_told_of_no_trial():
    customer = make_customer()
    use(customer, requests=50)
    BillingAccount.objects.update(status=BillingAccount.Status.ACTIVE)

    assert told(customer) == []
