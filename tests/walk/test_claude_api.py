"""Every address of the path to Claude, called with every kind of key."""

from typing import Any

from billing.models import UsageRecord
from tests.chat.http import send
from tests.factories import HAIKU
from tests.walk.addresses import METHODS, api_addresses
from tests.walk.calls import filled
from tests.walk.claude_api import ALIASES, BODIES, CLAUDE_API
from tests.walk.people import make_walkers
from tests.walk.table import Seen, differences, unmatched


def call_claude(base: str, call: str, *, key: str, **fields: Any) -> str:
    """Make a call with a key in its header, and return the answer as the table writes it."""
    method, address = filled(call, {"model_id": HAIKU}).split()
    body = {**BODIES.get(ALIASES.get(address, address), {}), **fields} if method == "POST" else None
    before = UsageRecord.objects.count()
    answer = send(base, method, address, body=body, headers={"x-api-key": key})
    return str(Seen(status=answer.status, wrote=UsageRecord.objects.count() > before))


def test_each_address_has_an_expectation_and_each_expectation_an_address():
    assert unmatched((call.split()[1] for call in CLAUDE_API), api_addresses()) == []


def test_every_key_gets_the_expected_answer_at_every_address(api: str):
    keys = make_walkers().keys
    calls = {f"{method} {address}" for method in METHODS for address in api_addresses()}
    nothing_there = dict.fromkeys(keys, "405")

    seen = {call: {role: call_claude(api, call, key=key) for role, key in keys.items()} for call in calls}

    assert differences(seen, {call: CLAUDE_API.get(call, nothing_there) for call in calls}) == []


def test_a_key_in_the_body_opens_what_it_opens_in_the_header(api: str):
    keys = make_walkers().keys

    seen = {role: call_claude(api, "POST /chat", key="", access_code=key) for role, key in keys.items()}

    assert seen == CLAUDE_API["POST /chat"]


def test_other_forms_of_an_address_are_open_to_the_same_keys(api: str):
    keys = make_walkers().keys
    calls = {f"{'GET' if 'models' in alias else 'POST'} {alias}": address for alias, address in ALIASES.items()}

    seen = {call: {role: call_claude(api, call, key=key) for role, key in keys.items()} for call in calls}

    assert (
        differences(seen, {call: CLAUDE_API[f"{call.split()[0]} {address}"] for call, address in calls.items()}) == []
    )
