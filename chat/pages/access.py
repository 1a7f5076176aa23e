"""Access to the chat page, and to a conversation: its own person's, and nobody else's."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render

from accounts.looking import is_looking
from accounts.models import Membership
from accounts.pages.access import member_page
from chat.conversations.history import conversations_of
from chat.conversations.switches import ChatSwitchedOff, check_switched_on
from chat.models import Conversation
from common.rest.paging import MAX_ID

P = ParamSpec("P")


def chat_page(
    view: Callable[Concatenate[HttpRequest, Membership, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let members in where neither the operator nor their organization's owner has switched the chat page off.

    Staff who look at an organization see no conversation: there is none of theirs, and none of others is shown.
    """

    @member_page
    @wraps(view)
    def page(request: HttpRequest, membership: Membership, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_looking(membership):
            raise PermissionDenied("Conversations are private: nobody but their own person reads them, nor do you.")
        try:
            check_switched_on(organization_id=membership.organization_id)
        except ChatSwitchedOff as off:
            return render(request, "chat/off.html", {"membership": membership, "reason": off}, status=403)
        return view(request, membership, *args, **kwargs)

    return page


def own_conversation(membership: Membership, conversation_id: int) -> Conversation:
    """Return a member's own conversation. Raises Http404 for everybody else's."""
    if conversation_id > MAX_ID:
        raise Http404
    found = conversations_of(membership).select_related("membership").filter(id=conversation_id).first()
    if found is None:
        raise Http404("There is no such conversation of yours.")
    return found
