"""The view of `/v1/chat/completions`."""

import json

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api_keys import find_caller
from chat import completions
from chat.api import event_stream, forwarded_headers, json_answer, key_of, only, request_id_of
from chat.openai.answer import completion
from chat.openai.request import read_completion_request
from chat.openai.stream import completion_chunks


@only("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer in OpenAI's shape, plain or streaming."""
    caller = await find_caller(key=key_of(request))
    asked = read_completion_request(request.body)
    request_id, headers = request_id_of(request), forwarded_headers(request)
    begun = await completions.begin(caller=caller, request=asked.claude, request_id=request_id)
    response: HttpResponseBase
    if asked.claude.stream:
        stream = completions.StreamedCompletion(begun=begun, request=asked.claude, headers=headers)
        await stream.opened()
        response = event_stream(completion_chunks(stream.chunks(), include_usage=asked.include_usage), stream=stream)
    else:
        body = await completions.complete(begun=begun, request=asked.claude, headers=headers)
        response = json_answer(json.dumps(completion(json.loads(body))).encode(), begun=begun)
    response["x-request-id"] = request_id  # where OpenAI's SDKs look for it
    return response
