"""Keys that may use some models only."""

import pytest

from accounts.models import ApiKey
from billing.models import PlanPrice, UsageRecord
from tests.chat.http import messages_body, send
from tests.factories import HAIKU, SONNET, make_subscriber

pytestmark = pytest.mark.usefixtures("api")


def make_customer_of_both_models(*, key_models):
    """Make a customer whose plan has both models, with a key that may use `key_models`."""
    customer = make_subscriber()
    prices = PlanPrice.objects.filter(plan=customer.account.plan)
    if not prices.filter(model=SONNET).exists():
        for price in prices.filter(model=HAIKU):
            price.pk, price.model, price.stripe_price_id = None, SONNET, f"{price.stripe_price_id}_sonnet"
            price.save(force_insert=True)
    ApiKey.objects.filter(id=customer.api_key.id).update(allowed_models=key_models)
    return customer


def post(api, path, customer, body):
    return send(api, "POST", path, body=body, headers={"x-api-key": customer.key})


@pytest.mark.parametrize(
    "path", ["/v1/messages", "/v1/messages?beta=true", "/v1/messages/count_tokens", "/v1/chat/completions"]
)
def test_a_model_that_the_key_may_not_use_is_refused_and_nothing_recorded(api, path):
    customer = make_customer_of_both_models(key_models=[SONNET])

    answer = post(api, path, customer, messages_body("Hello", model=HAIKU))

    error = answer.json["error"]
    assert (answer.status, error["type"]) == (403, "permission_error")
    assert answer.headers["x-should-retry"] == "false"
    assert "may not use claude-haiku-5-5. It may use claude-sonnet-5-5." in error["message"]
    assert not UsageRecord.objects.exists()


def test_a_model_that_the_key_may_use_answers(api):
    customer = make_customer_of_both_models(key_models=[SONNET])

    answer = post(api, "/v1/messages", customer, messages_body("Hello", model=SONNET))

    assert (answer.status, answer.json["model"]) == (200, SONNET)


def test_a_call_without_a_model_gets_the_first_that_the_key_may_use(api):
    restricted = make_customer_of_both_models(key_models=[SONNET])
    free = make_customer_of_both_models(key_models=[])

    models = [post(api, "/chat", each, {"prompt": "Hello"}).json["model"] for each in (restricted, free)]

    assert models == [SONNET, HAIKU]


def test_a_key_for_a_model_that_the_plan_has_no_more_is_told_so(api):
    customer = make_subscriber()
    ApiKey.objects.filter(id=customer.api_key.id).update(allowed_models=[SONNET])

    answer = post(api, "/chat", customer, {"prompt": "Hello"})

    assert (answer.status, answer.error[0]) == (403, "permission_error")
    assert "Pro Haiku does not include claude-sonnet-5-5" in answer.json["error"]["message"]


def test_the_list_holds_the_keys_models_alone(api):
    customer = make_customer_of_both_models(key_models=[SONNET])
    headers = {"x-api-key": customer.key}

    listed = send(api, "GET", "/v1/models", headers=headers)
    statuses = [send(api, "GET", f"/v1/models/{model}", headers=headers).status for model in (SONNET, HAIKU)]

    assert [model["id"] for model in listed.json["data"]] == [SONNET]
    assert statuses == [200, 404]
