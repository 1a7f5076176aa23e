"""Error answers in the shape of the called surface: OpenAI's on its addresses, Anthropic's everywhere else.

An address of OpenAI's that is not served here, or is called at a wrong base URL, has its shape too.
"""

from chat.answers import Answer
from chat.openai.errors import openai_error
from chat.openai.stream import data_event
from rgent.api.error_catalogue import error_body, error_response

# Words of OpenAI's addresses that stand in none of Anthropic's, so an error there is read by a client of OpenAI's.
OPENAI_WORDS = frozenset(
    {
        *("assistants", "audio", "completions", "embeddings", "fine_tuning", "images", "moderations", "realtime"),
        *("responses", "threads", "uploads", "vector_stores", "videos"),
    }
)


def error_answer(error: Exception, *, path: str, request_id: str) -> Answer:
    """Return the answer to a request for `path` that ended in an error. All shapes share status and headers."""
    response = error_response(error, request_id=request_id)
    headers = {name.lower(): value for name, value in response.items()}
    if not _is_openais(path):
        return Answer(body=response.content, status=response.status_code, headers=headers)
    body = openai_error(response.content, param=getattr(error, "param", None))
    return Answer(body=body, status=response.status_code, headers={**headers, "x-request-id": request_id})


def error_event(error: Exception, *, path: str, request_id: str) -> bytes:
    """Return the event that ends a stream of `path` which broke off."""
    body = error_body(error, request_id=request_id)
    return data_event(openai_error(body)) if _is_openais(path) else b"event: error\ndata: " + body + b"\n\n"


def _is_openais(path: str) -> bool:
    return not path.startswith(("/api/", "/static/")) and not OPENAI_WORDS.isdisjoint(path.split("/"))
