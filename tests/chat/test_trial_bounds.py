"""The bounds of the free trial, from outside: each is a 402 that names it."""

import pytest

from tests.chat.http import messages_body, send
from tests.factories import make_customer


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tools": [{"type": "web_search_20260318", "name": "web_search"}]}, "Tools that Claude runs itself"),
        ({"messages": [{"role": "user", "content": "a" * 60_000}]}, "of the free trial's 10,000 tokens are used"),
    ],
)
def test_a_request_beyond_the_trial_is_refused_by_name(api, settings, fields, sentence):
    settings.TRIAL_TOKENS, settings.TRIAL_SERVER_TOOLS = 10_000, False
    headers = {"x-api-key": make_customer().key}

    assert send(api, "POST", "/v1/messages", body=messages_body("Hi"), headers=headers).status == 200
    refused = send(api, "POST", "/v1/messages", body=messages_body("Hi", **fields), headers=headers)

    assert (refused.status, refused.error[0], refused.headers["x-should-retry"]) == (402, "billing_error", "false")
    assert sentence in refused.error[1]
