"""The view of `/v1/chat/completions`."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api_keys import find_caller
from billing.ledger import Grant
from chat import completions
from chat.api import EventStream, forwarded_headers, key_of, only, plain_answer, request_id_of
from chat.openai.answer import completion
from chat.openai.request import read_completion_request
from chat.openai.stream import completion_chunks


@only("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer in OpenAI's shape, plain or streaming."""
    caller = await find_caller(key=key_of(request))
    asked = read_completion_request(request.body)
    request_id, headers = request_id_of(request), forwarded_headers(request)
    response: HttpResponseBase
    if asked.claude.stream:
        begun = await completions.begin(caller=caller, request=asked.claude, request_id=request_id)
        stream = completions.StreamedCompletion(begun=begun, request=asked.claude, headers=headers)
        await stream.opened()
        response = EventStream(completion_chunks(stream.chunks(), include_usage=asked.include_usage), stream=stream)
    else:
        response = await plain_answer(request, caller=caller, asked=asked.claude, headers=headers, shape=_in_its_shape)
    response["x-request-id"] = request_id  # where OpenAI's SDKs look for it
    return response


def _in_its_shape(message: Mapping[str, Any], grant: Grant) -> Mapping[str, Any]:
    return completion(message)
