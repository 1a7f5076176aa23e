"""Fields that change Claude's price are refused, and so are fields that stand twice."""

import pytest

from chat.json_objects import InvalidRequest, read_json
from tests.chat.test_input_bound import request_of


@pytest.mark.parametrize(
    "raw", [b'{"messages":[1],"messages":[2]}', b'{"a":{"url":1,"\\u0075rl":2}}', b'[{"type":"a","type":"b"}]']
)
def test_a_field_that_stands_twice_is_refused(raw):
    with pytest.raises(InvalidRequest, match="stands twice"):
        read_json(raw)


@pytest.mark.parametrize(
    "fields",
    [
        {"speed": "fast"},
        {"inference_geo": "us"},
        {"fallbacks": [{"model": "claude-opus-5"}]},
        {"fallbacks": "default"},
        {"service_tier": "priority"},
        {"service_tier": ["auto"]},
        {"tools": [{"type": "advisor_20260301"}]},
    ],
)
def test_what_claude_charges_at_other_rates_is_refused(fields):
    with pytest.raises(InvalidRequest, match="sold"):
        request_of(**fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"betas": ["context-1m-2025-08-07"]}, "anthropic-beta header"),
        ({"anthropic_beta": ["context-1m-2025-08-07"]}, "anthropic-beta header"),
        ({"billing_policy": {"type": "billing_policy", "bill_to": "user_profile"}}, "no other bill_to"),
        ({"workspace_id": "wrkspc_1"}, "cannot be chosen here"),
        ({"user_profile_id": "up_1"}, "cannot be chosen here"),
    ],
)
def test_a_field_that_names_another_payer_or_a_beta_is_refused(fields, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        request_of(**fields)
