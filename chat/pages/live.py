"""The stream of an answer to the page that shows it: server-sent events, one connection a page."""

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from accounts.models import Membership
from chat.answers import STREAM_HEADERS
from chat.conversations.following import follow
from chat.models import Message
from chat.pages.access import chat_page, own_conversation
from common.rest.paging import MAX_ID


@require_safe
@chat_page
def live(request: HttpRequest, membership: Membership, *, conversation_id: int, message_id: int) -> HttpResponseBase:
    """Tell what comes of an answer until its end. A page that comes back is told the rest (`Last-Event-ID`)."""
    conversation = own_conversation(membership, conversation_id)
    if message_id > MAX_ID or not Message.objects.filter(id=message_id, conversation=conversation).exists():
        raise Http404("The conversation has no such message.")
    # The stream reads on threads of its own: this request's connection is not kept for as long as Claude writes.
    if not connection.in_atomic_block:
        connection.close()
    answer = StreamingHttpResponse(follow(message_id, last_event_id=request.headers.get("last-event-id", "")))
    for name, value in STREAM_HEADERS.items():
        answer[name] = value
    return answer
