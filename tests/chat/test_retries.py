"""One refusal of Claude's is answered by three calls at most, whoever makes them."""

import anthropic
import openai
import pytest

from tests.chat.http import messages_body, send
from tests.factories import make_customer
from tests.servers import SandboxServer

BUSY = "[[usage error=429 retry_after_s=0]]"
MESSAGES = [{"role": "user", "content": BUSY}]


def test_the_sdks_attempts_are_all_there_are(api: str, sandbox: SandboxServer) -> None:
    client = anthropic.Anthropic(base_url=api, api_key=make_customer().key, max_retries=2)

    with pytest.raises(anthropic.RateLimitError):
        client.messages.create(model="claude-haiku-5-5", max_tokens=10, messages=MESSAGES)  # type: ignore[arg-type]

    assert len(sandbox.claude_ledger()) == 3


def test_the_attempts_of_openais_sdk_are_all_there_are(api: str, sandbox: SandboxServer) -> None:
    client = openai.OpenAI(base_url=f"{api}/v1", api_key=make_customer().key, max_retries=2)

    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="claude-haiku-5-5", messages=MESSAGES)  # type: ignore[arg-type]

    assert len(sandbox.claude_ledger()) == 3


def test_a_caller_that_does_not_try_again_is_tried_for(api: str, sandbox: SandboxServer) -> None:
    answer = send(api, "POST", "/v1/messages", body=messages_body(BUSY), headers={"x-api-key": make_customer().key})

    assert answer.status == 429
    assert len(sandbox.claude_ledger()) == 3
