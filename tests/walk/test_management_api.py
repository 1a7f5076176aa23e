"""Every call of the management API, made with every kind of key."""

import json

from django.test import Client

from tests.walk.addresses import management_calls
from tests.walk.calls import filled, visit
from tests.walk.management_api import BODIES, MANAGEMENT_API
from tests.walk.people import Walkers
from tests.walk.table import differences, unmatched

UNKNOWN = {"nobody", "unknown", "revoked"}


def make_call(client: Client, call: str, *, key: str, walkers: Walkers, known: bool) -> str:
    """Make a call with a key and return the answer as the table writes it."""
    body = b"" if call.startswith("GET") else json.dumps(BODIES.get(call, {})).encode()
    request = {"data": body, "content_type": "application/json", "headers": {"x-api-key": key}}
    return str(visit(client, filled(call, walkers.ids), known=known, **request)[0])


def test_each_call_has_an_expectation_and_each_expectation_a_call():
    assert unmatched(MANAGEMENT_API, management_calls()) == []


def test_every_key_gets_the_expected_answer_to_every_call(walkers: Walkers):
    client = walkers.browsers["nobody"]

    seen = {
        call: {
            role: make_call(client, call, key=key, walkers=walkers, known=role not in UNKNOWN)
            for role, key in walkers.keys.items()
        }
        for call in MANAGEMENT_API
    }

    assert differences(seen, MANAGEMENT_API) == []
