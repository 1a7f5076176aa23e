"""Rate limits, over HTTP."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor

from billing.limits import gate
from billing.models import Plan
from tests.chat.http import Answer, messages_body, send, wait_until
from tests.factories import Customer, make_customer


def limit_trial(**limits: int) -> None:
    """Change what the trial plan allows."""
    Plan.objects.filter(is_trial=True).update(**limits)


def ask(api: str, customer: Customer, prompt: str = "Hello") -> Answer:
    return send(api, "POST", "/v1/messages", body=messages_body(prompt), headers={"x-api-key": customer.key})


def test_an_answer_tells_what_remains(api):
    limit_trial(requests_per_minute=10, input_tokens_per_minute=1000, output_tokens_per_minute=5000)

    answer = ask(api, make_customer())

    assert answer.headers["anthropic-ratelimit-requests-limit"] == "10"
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "9"
    assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert int(answer.headers["anthropic-ratelimit-input-tokens-remaining"]) < 1000
    assert answer.headers["anthropic-ratelimit-tokens-limit"] == "1000"  # of which the smaller share is left


def test_a_call_too_many_is_told_when_to_come_back_and_opens_no_record(api):
    limit_trial(requests_per_minute=3)
    customer = make_customer()
    for _ in range(3):
        ask(api, customer)

    answer = ask(api, customer)

    kind, message = answer.error
    assert (answer.status, kind) == (429, "rate_limit_error")
    assert "3 requests a minute" in message
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert customer.organization.usage_records.count() == 3
    assert customer.account.trial_used == 3


def test_calls_at_once_pass_no_limit(api):
    limit_trial(requests_per_minute=20)
    customer = make_customer()

    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda _: ask(api, customer).status, range(60)))

    assert statuses.count(200) == 20
    assert statuses.count(429) == 40


def test_output_tokens_that_were_used_are_waited_for(api):
    limit_trial(output_tokens_per_minute=100)
    customer = make_customer()
    ask(api, customer, "[[usage output=2000]]")

    answer = ask(api, customer)

    assert answer.status == 429
    assert "100 output tokens a minute" in answer.error[1]
    assert int(answer.headers["retry-after"]) > 1000


def test_requests_at_once_are_limited_and_free_again_when_they_end(api):
    limit_trial(concurrent_requests=2)
    customer = make_customer()

    with ThreadPoolExecutor(6) as pool:
        slow = "[[usage output=1 delay_ms=500]]"
        statuses = list(pool.map(lambda _: ask(api, customer, slow).status, range(6)))

    assert statuses.count(200) == 2
    assert ask(api, customer).status == 200


def test_a_failed_call_frees_its_place(api):
    limit_trial(concurrent_requests=1)
    customer = make_customer()
    ask(api, customer, "[[usage error=400]]")

    assert ask(api, customer).status == 200


def test_without_redis_limits_hold_in_the_process(committing_db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limit_trial(requests_per_minute=2)
    organization_id = make_customer().organization.id

    async def admitted() -> list[str]:
        results = [await answer_of_the_gate(organization_id) for _ in range(3)]
        await gate.close()
        return results

    assert asyncio.run(admitted()) == ["in", "in", "limited"]


async def answer_of_the_gate(organization_id: int) -> str:
    try:
        await gate.admit(organization_id=organization_id, request_id=uuid.uuid4().hex, input_tokens=1)
    except gate.RateLimited:
        return "limited"
    return "in"


def test_a_plan_that_limits_requests_at_once_alone_gives_each_place_back(api):
    limit_trial(requests_per_minute=0, input_tokens_per_minute=0, output_tokens_per_minute=0, concurrent_requests=1)
    customer = make_customer()

    assert [ask(api, customer).status for _ in range(3)] == [200, 200, 200]


def statuses_at_once(api: str, customer: Customer, *, number: int) -> list[int]:
    """Return the statuses of calls that are all under way at once, in order."""
    with ThreadPoolExecutor(number) as pool:
        slow = "[[usage output=1 delay_ms=800]]"
        return sorted(pool.map(lambda _: ask(api, customer, slow).status, range(number)))


def test_no_organization_takes_the_connections_of_others(api, settings):
    settings.ORGANIZATION_CONNECTIONS = 2
    greedy, other = make_customer(), make_customer()

    with ThreadPoolExecutor(1) as pool:
        greedy_statuses = pool.submit(statuses_at_once, api, greedy, number=4)
        wait_until(lambda: greedy.organization.usage_records.filter(state="open").count() == 2)
        refused = ask(api, greedy)
        counted = send(
            api, "POST", "/v1/messages/count_tokens", body=messages_body("Hi"), headers={"x-api-key": greedy.key}
        )
        served = ask(api, other)

    assert greedy_statuses.result() == [200, 200, 429, 429]
    assert (refused.status, refused.error[0], refused.headers["retry-after"]) == (429, "rate_limit_error", "1")
    assert "2 requests at once" in refused.error[1]
    assert (counted.status, served.status) == (429, 200)
    assert ask(api, greedy).status == 200


def test_a_plans_own_number_of_requests_at_once_takes_the_shares_place(api, settings):
    settings.ORGANIZATION_CONNECTIONS = 1
    limit_trial(concurrent_requests=3)

    assert statuses_at_once(api, make_customer(), number=4) == [200, 200, 200, 429]


def test_a_request_that_a_bucket_refuses_leaves_no_place_taken(api, settings):
    settings.ORGANIZATION_CONNECTIONS = 1
    limit_trial(requests_per_minute=1)
    customer = make_customer()
    ask(api, customer)

    assert "1 requests a minute" in ask(api, customer).error[1]
    assert "1 requests a minute" in ask(api, customer).error[1]
