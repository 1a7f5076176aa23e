"""JSON as deep as Python can just read causes no error of ours, and leaves no record open."""

from decimal import Decimal

import pytest

from billing.models import UsageRecord
from tests.chat.http import send
from tests.factories import make_subscriber

AROUND_THE_RECURSION_LIMIT = range(920, 1000)
TOOLS = {
    "/v1/messages": b'{"name":"a","input_schema":%s}',
    "/v1/chat/completions": b'{"type":"function","function":{"name":"a","parameters":%s}}',
}


def body(path: str, *, depth: int, stream: bool) -> bytes:
    """Return a request with a schema so deep, for so many tokens that a cap clamps it, and it is written anew."""
    schema = b'{"a":' * depth + b"{}" + b"}" * depth
    head = (
        b'{"model":"claude-haiku-5-5","max_tokens":1000000,"messages":[{"role":"user","content":"[[usage output=1]]"}],'
    )
    flag = b'"stream":true,' if stream else b""
    return head + flag + b'"tools":[' + TOOLS[path] % schema + b"]}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", TOOLS)
def test_a_body_of_any_depth_is_answered_or_refused(api, path, stream):
    customer = make_subscriber(cap_minor=Decimal(30))

    statuses = {
        send(api, "POST", path, raw=body(path, depth=depth, stream=stream), headers={"x-api-key": customer.key}).status
        for depth in AROUND_THE_RECURSION_LIMIT
    }

    assert statuses == {200, 400}
    assert not UsageRecord.objects.filter(organization=customer.organization, state="open").exists()
    assert customer.account.held_minor == 0
