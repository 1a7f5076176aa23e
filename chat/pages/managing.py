"""The acts upon a conversation: rename it, delete it, take it along, and turn it into code."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Membership
from billing.pages.frame import page_frame
from chat.conversations.code import KEY, snippets
from chat.conversations.exports import as_json, as_markdown
from chat.conversations.history import delete as delete_conversation
from chat.conversations.history import rename as rename_conversation
from chat.conversations.tree import messages_of, tree_of
from chat.models import Conversation
from chat.pages.access import chat_page, own_conversation


@require_POST
@chat_page
def rename(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Give a conversation another title."""
    conversation = own_conversation(membership, conversation_id)
    rename_conversation(conversation, title=request.POST.get("title", ""))
    return redirect("conversation", conversation_id=conversation.id)


@require_POST
@chat_page
def delete(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Delete a conversation."""
    conversation = own_conversation(membership, conversation_id)
    delete_conversation(conversation)
    messages.success(request, f"“{conversation.title}” is deleted. Its cost stays in your usage.")
    return redirect("chat_page")


@require_safe
@chat_page
def markdown_file(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Send the branch that is shown as Markdown."""
    conversation = own_conversation(membership, conversation_id)
    return _file(conversation, as_markdown(conversation), ending="md", content_type="text/markdown; charset=utf-8")


@require_safe
@chat_page
def json_file(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Send all branches as JSON."""
    conversation = own_conversation(membership, conversation_id)
    return _file(conversation, as_json(conversation), ending="json", content_type="application/json")


@require_safe
@chat_page
def code(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Show the conversation as curl, Python and TypeScript."""
    conversation = own_conversation(membership, conversation_id)
    _, context = page_frame(membership)
    branch = messages_of(tree_of(conversation).branch(conversation.current_id))
    context |= {
        "conversation": conversation,
        "snippets": snippets(conversation, branch=branch),
        "has_files": any(message.attachments.all() for message in branch),
        "key": KEY,
    }
    return render(request, "chat/code.html", context)


def _file(conversation: Conversation, text: str, *, ending: str, content_type: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=content_type)
    name = slugify(conversation.title) or f"conversation-{conversation.pk}"
    answer["content-disposition"] = f'attachment; filename="{name}.{ending}"'
    return answer
