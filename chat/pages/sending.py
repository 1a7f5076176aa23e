"""Sending from the chat page: questions, answers asked again, branches, and stops. All of it works as plain forms."""

from typing import cast

from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import Membership
from billing.ledger.entries import NotEntitled
from billing.limits.gate import RateLimited
from billing.limits.side_calls import SideCall, admit_side_call
from billing.money import format_exact
from billing.pages.frame import account_of
from billing.plans.price_lists import price_list
from chat.conversations import answering, writing
from chat.conversations.attachments import FileRefused, read_files
from chat.conversations.bounds import StillWriting
from chat.conversations.estimates import NotEstimated, estimate
from chat.conversations.writing import Asked, NothingAsked, Question
from chat.models import Conversation, Message
from chat.pages.access import chat_page, own_conversation
from chat.pages.conversations import conversation_page
from common import clock
from common.numbers import whole_number

REFUSALS = (NothingAsked, FileRefused, StillWriting, NotEntitled, RateLimited)
NOBODYS = 0


@require_POST
@chat_page
def send(request: HttpRequest, membership: Membership, *, conversation_id: int | None = None) -> HttpResponse:
    """Send a question in a conversation, or in a new one, and lead to the page where its answer is written."""
    conversation = own_conversation(membership, conversation_id) if conversation_id is not None else None
    question = _question(request)
    try:
        admit_side_call(organization_id=membership.organization_id, kind=SideCall.CHAT_MESSAGE)
        question = _question(request, read=True)
        asked = writing.ask(membership=membership, conversation=conversation, question=question, now=clock.now())
    except REFUSALS as error:
        return conversation_page(request, membership, conversation, question=question, refused=str(error))
    return _start(asked)


@require_POST
@chat_page
def again(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Ask for another answer to the same question, which is kept beside the first."""
    conversation = own_conversation(membership, conversation_id)
    answer = _message(request, conversation, role=Message.Role.ASSISTANT)
    try:
        admit_side_call(organization_id=membership.organization_id, kind=SideCall.CHAT_MESSAGE)
        asked = writing.ask_again(
            conversation=conversation,
            answer=answer,
            model=request.POST.get("model", "")[:100],
            nonce=request.POST.get("nonce", ""),
            now=clock.now(),
        )
    except REFUSALS as error:
        return conversation_page(request, membership, conversation, refused=str(error))
    return _start(asked)


@require_POST
@chat_page
def stop(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Stop the answer that is being written."""
    conversation = own_conversation(membership, conversation_id)
    answer = _message(request, conversation, role=Message.Role.ASSISTANT)
    Message.objects.filter(id=answer.id, state=Message.State.WRITING).update(stop_asked=True)
    async_to_sync(answering.stop)(answer.id)
    return redirect("conversation", conversation_id=conversation.id)


@require_POST
@chat_page
def branch(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Show another branch of a conversation."""
    conversation = own_conversation(membership, conversation_id)
    message = _message(request, conversation)
    writing.show_branch(conversation=conversation, message_id=message.id)
    return redirect("conversation", conversation_id=conversation.id)


@require_POST
@chat_page
def cost(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Tell the input of a question that is not sent yet, and what that costs at most. Claude's count is free."""
    number = _id(request, "conversation")
    conversation = own_conversation(membership, number) if number is not None else None
    account = account_of(membership)
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    try:
        admit_side_call(organization_id=membership.organization_id, kind=SideCall.TOKEN_COUNT)
        question = _question(request, read=True)
        counted = estimate(conversation, membership=membership, question=question, prices=prices, now=clock.now())
    except (FileRefused, NotEntitled, NotEstimated, RateLimited) as error:
        return JsonResponse({"refused": str(error)}, status=422)
    return JsonResponse({"tokens": counted.tokens, "cost": format_exact(counted.cost_minor)})


def _start(asked: Asked) -> HttpResponse:
    """Have a new answer written, and lead to its conversation."""
    if asked.new:
        async_to_sync(answering.start)(asked.answer.id)
    return redirect("conversation", conversation_id=asked.answer.conversation_id)


def _question(request: HttpRequest, *, read: bool = False) -> Question:
    """Return the question of a form, with its files once they are read. Raises FileRefused."""
    uploads = cast("list[UploadedFile[bytes]]", request.FILES.getlist("files"))
    return Question(
        text=request.POST.get("text", ""),
        model=request.POST.get("model", "")[:100],
        system=request.POST.get("system", ""),
        thinks="thinks" in request.POST,
        parent_id=_id(request, "parent"),
        files=read_files(uploads) if read else (),
        kept_ids=[number for each in request.POST.getlist("kept") if (number := whole_number(each)) is not None],
        nonce=request.POST.get("nonce", ""),
    )


def _id(request: HttpRequest, name: str) -> int | None:
    """Return the id that a form gives: None where it gives none, and NOBODYS where it is no number."""
    text = request.POST.get(name, "")
    return (whole_number(text) or NOBODYS) if text else None


def _message(request: HttpRequest, conversation: Conversation, *, role: str = "") -> Message:
    """Return the message that a form names. Raises Http404 where the conversation has no such one."""
    rows = Message.objects.filter(conversation=conversation, id=_id(request, "message") or NOBODYS)
    found = (rows.filter(role=role) if role else rows).first()
    if found is None:
        raise Http404("The conversation has no such message.")
    return found
