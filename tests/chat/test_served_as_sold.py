"""Claude's usage is compared with what is sold: tier, place, speed and model."""

import pytest

from billing.models import Discrepancy
from chat.served_as_sold import differences
from tests.chat.http import messages_body, send, wait_until
from tests.factories import HAIKU, make_subscriber

AS_SOLD = {"service_tier": "standard", "inference_geo": "global", "speed": "standard"}


@pytest.mark.parametrize(
    "usage",
    [
        AS_SOLD,
        {},
        {"service_tier": None, "inference_geo": "not_available"},
        {"iterations": [{"type": "message"}, {"type": "compaction"}]},
        {"iterations": None},
        None,
        [],
    ],
)
def test_it_finds_nothing_where_all_is_as_sold_or_untold(usage):
    assert differences(usage) == []


@pytest.mark.parametrize(
    ("usage", "difference"),
    [
        ({"service_tier": "priority"}, "service_tier: priority"),
        ({"inference_geo": "us"}, "inference_geo: us"),
        ({"speed": "fast"}, "speed: fast"),
        ({"speed": ["fast"]}, "speed: ['fast']"),
        ({"iterations": [{"type": "advisor_message"}, {"type": "message"}]}, "iterations: advisor_message"),
        ({"iterations": [{"type": []}]}, "iterations: []"),
    ],
)
def test_it_names_what_is_not_sold(usage, difference):
    assert differences({**AS_SOLD, **usage}) == [difference]


def test_an_operator_may_sell_another_tier_and_place(settings):
    settings.CLAUDE_SERVICE_TIERS, settings.CLAUDE_INFERENCE_GEOS = ["standard", "priority"], ["us"]

    assert differences({"service_tier": "priority", "inference_geo": "us"}) == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_difference_is_kept_once_for_the_operator(api, settings, caplog, stream):
    settings.CLAUDE_SERVICE_TIERS = ["priority"]  # so that the sandbox's tier is not the one that is sold
    customer = make_subscriber()

    for _ in range(2):
        answer = send(
            api, "POST", "/v1/messages", body=messages_body("Hi", stream=stream), headers={"x-api-key": customer.key}
        )
        assert answer.status == 200

    rows = wait_until(lambda: list(Discrepancy.objects.filter(organization=customer.organization)))
    assert [(row.kind, row.subject) for row in rows] == [("served_otherwise", f"{HAIKU} service_tier: standard")]
    assert caplog.text.count("otherwise than it is sold") == 2
