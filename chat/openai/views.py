"""The view of `/v1/chat/completions`."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest

from billing.ledger.entries import Grant
from chat import completions
from chat.answers import event_stream
from chat.api import ApiAnswer, body_of, caller_of, forwarded_headers, only, plain_answer, request_id_of
from chat.cost import cost_of
from chat.openai.answer import completion
from chat.openai.request import read_completion_request
from chat.openai.stream import CompletionChunks
from chat.streaming import StreamedCompletion


@only("POST")
async def chat_completions(request: HttpRequest) -> ApiAnswer:
    """Answer in OpenAI's shape, plain or streaming."""
    caller = await caller_of(request)
    asked = read_completion_request(await body_of(request))
    request_id, headers = request_id_of(request), forwarded_headers(request)
    answer: ApiAnswer
    if asked.claude.stream:
        begun = await completions.begin(caller=caller, request=asked.claude, headers=headers, request_id=request_id)
        chunks = CompletionChunks(include_usage=asked.include_usage, cost=partial(cost_of, begun.grant))
        answer = await event_stream(
            StreamedCompletion(begun=begun, request=asked.claude, headers=headers, reshape=chunks.reshape)
        )
    else:
        answer = await plain_answer(request, caller=caller, asked=asked.claude, headers=headers, shape=_in_its_shape)
    answer.headers["x-request-id"] = request_id  # where OpenAI's SDKs look for it
    return answer


def _in_its_shape(message: Mapping[str, Any], grant: Grant) -> Mapping[str, Any]:
    return completion(message)
