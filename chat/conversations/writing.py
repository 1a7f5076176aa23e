"""Questions and answers, put into the tree: sent, asked again, and asked in other words. Claude is not called here.

A form that comes twice, as after a cut network, makes one question and one answer, so that it is paid once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Membership
from billing.ledger.entitlement import check_entitled
from chat.conversations.attachments import MOST_FILES, File, check_branch, check_number
from chat.conversations.blocks import storable
from chat.conversations.bounds import StillWriting, check_writing
from chat.conversations.tree import tree_of
from chat.models import Attachment, Conversation, Message
from common.request_ids import new_request_id

TITLE_LENGTH = 60
LONGEST_TEXT = 400_000
LONGEST_SYSTEM = 50_000


class NothingAsked(Exception):
    """The question is empty, or too long to be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as a form sends it: after `parent_id`, with the choices that hold from then on.

    `kept_ids` are the attachments that an edited question keeps of the one that stands at its place.
    """

    text: str
    model: str
    system: str = ""
    thinks: bool = False
    parent_id: int | None = None
    files: Sequence[File] = ()
    kept_ids: Sequence[int] = ()
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that is to be written; it is `new` unless the same form made it before."""

    answer: Message
    new: bool


def ask(*, membership: Membership, conversation: Conversation | None, question: Question, now: datetime) -> Asked:
    """Put a question and its answer-to-be into a conversation, or into a new one.

    Raises NothingAsked, FileRefused, StillWriting, and a NotEntitled where such a request could not begin.
    """
    kept = [File(each.name, each.media_type, bytes(each.data)) for each in kept_files(conversation, question)]
    question = replace(question, files=[*kept, *question.files])
    check_number(question.files)
    text = storable(question.text.replace("\r\n", "\n")).strip()
    if not text and not question.files:
        raise NothingAsked("Write a message first.")
    if len(text) > LONGEST_TEXT or len(question.system) > LONGEST_SYSTEM:
        raise NothingAsked(f"The message is too long: {LONGEST_TEXT:,} characters at most.")
    nonce = _nonce(membership, question.nonce)
    if earlier := _asked_before(nonce, text=text):
        return Asked(earlier, new=False)
    if nonce and Message.objects.filter(nonce=nonce).exists():
        nonce = None  # another question on a page from the browser's memory
    check_entitled(membership.organization_id, question.model, (), now)
    try:
        return Asked(_write(membership, conversation, question, text=text, nonce=nonce, now=now), new=True)
    except (IntegrityError, StillWriting):  # the same form, at the same moment
        if earlier := _asked_before(nonce, text=text):
            return Asked(earlier, new=False)
        raise


def kept_files(conversation: Conversation | None, question: Question) -> QuerySet[Attachment]:
    """Return the attachments that an edited question keeps: of questions at its place in the same conversation."""
    return Attachment.objects.filter(
        id__in=question.kept_ids[: MOST_FILES + 1],
        message__conversation=conversation,
        message__parent_id=question.parent_id,
    )


def ask_again(*, conversation: Conversation, answer: Message, model: str, nonce: str, now: datetime) -> Asked:
    """Put another answer beside one that there is, of `model` if one is named.

    Raises NothingAsked, StillWriting, and a NotEntitled where such a request could not begin.
    """
    membership = conversation.membership
    kept = _nonce(membership, nonce)
    if earlier := _asked_again_before(kept):
        return Asked(earlier, new=False)
    check_entitled(membership.organization_id, model or conversation.model, (), now)
    try:
        return Asked(_write_again(conversation, answer, model=model, nonce=kept, now=now), new=True)
    except (IntegrityError, NothingAsked, StillWriting):  # the same form, at the same moment
        if earlier := _asked_again_before(kept):
            return Asked(earlier, new=False)
        raise


def show_branch(*, conversation: Conversation, message_id: int) -> bool:
    """Show the newest branch through a message. Returns False where the conversation has no such message."""
    tree = tree_of(conversation)
    if message_id not in tree.nodes:
        return False
    Conversation.objects.filter(id=conversation.id).update(current_id=tree.newest_below(message_id))
    return True


def _asked_before(nonce: str | None, *, text: str) -> Message | None:
    """Return the answer to the question that the same form sent before."""
    if nonce is None:
        return None
    question = Message.objects.filter(nonce=nonce, text=text, role=Message.Role.USER).first()
    return question.children.order_by("id").first() if question else None


def _asked_again_before(nonce: str | None) -> Message | None:
    """Return the answer that the same form asked for before."""
    return Message.objects.filter(nonce=nonce, role=Message.Role.ASSISTANT).first() if nonce else None


@transaction.atomic
def _write_again(
    conversation: Conversation, answer: Message, *, model: str, nonce: str | None, now: datetime
) -> Message:
    """Write another answer-to-be. It replaces one that failed without a word."""
    check_writing(conversation.membership)
    question = answer.parent
    assert question is not None  # noqa: S101 - an answer always follows a question
    tree = tree_of(conversation)
    _check_all_written([*tree.branch(answer.id), *tree.siblings(answer.id)])
    if model:
        Conversation.objects.filter(id=conversation.id).update(model=model)
        conversation.model = model
    new = _answer(conversation, question, nonce=nonce, now=now)
    Message.objects.filter(id=answer.id, state=Message.State.FAILED, content=[], children__isnull=True).delete()
    return new


@transaction.atomic
def _write(
    membership: Membership,
    conversation: Conversation | None,
    question: Question,
    *,
    text: str,
    nonce: str | None,
    now: datetime,
) -> Message:
    check_writing(membership)
    conversation_was_there = conversation is not None
    chosen = {"model": question.model, "system": storable(question.system).strip(), "thinks": question.thinks}
    if conversation is None:
        title = _title(text, question.files)
        conversation = Conversation.objects.create(
            membership=membership, title=title, created_at=now, changed_at=now, **chosen
        )
    else:
        Conversation.objects.filter(id=conversation.id).update(**chosen)
        conversation.model = question.model
    branch = tree_of(conversation).branch(question.parent_id)
    if conversation_was_there and question.parent_id is not None and not branch:
        raise NothingAsked("This conversation has changed in another tab. Open it again, and send the message there.")
    _check_all_written(branch)
    sizes = Attachment.objects.filter(message_id__in=branch).values_list("size", flat=True)
    check_branch([*sizes, *(len(file.data) for file in question.files)])
    message = Message.objects.create(
        conversation=conversation,
        parent_id=branch[-1] if branch else None,
        role=Message.Role.USER,
        text=text,
        nonce=nonce,
        created_at=now,
    )
    for file in question.files:
        Attachment.objects.create(
            message=message, name=storable(file.name), media_type=file.media_type, data=file.data, size=len(file.data)
        )
    return _answer(conversation, message, nonce=None, now=now)


def _check_all_written(ids: Sequence[int]) -> None:
    """Raise NothingAsked where one of these messages is an answer that is still being written."""
    if Message.objects.filter(id__in=ids, state=Message.State.WRITING).exists():
        raise NothingAsked("Claude is still writing. Wait for the answer, or stop it first.")


def _answer(conversation: Conversation, question: Message, *, nonce: str | None, now: datetime) -> Message:
    """Make the answer-to-be, and show its branch. Its request id is fixed before anything is sent or recorded."""
    answer = Message.objects.create(
        conversation=conversation,
        parent=question,
        role=Message.Role.ASSISTANT,
        state=Message.State.WRITING,
        model=conversation.model,
        request_id=new_request_id(),
        nonce=nonce,
        created_at=now,
        alive_at=timezone.now(),
    )
    Conversation.objects.filter(id=conversation.id).update(current=answer, changed_at=now)
    return answer


def _nonce(membership: Membership, nonce: str) -> str | None:
    """Return a form's nonce as it is stored: one member's is never another's."""
    return f"{membership.pk}-{nonce[:25]}" if nonce else None


def _title(text: str, files: Sequence[File]) -> str:
    """Return a title by the first words: it costs nothing, where asking Claude for one would be metered."""
    line = next((line.strip(" #*>-\t") for line in text.splitlines() if line.strip(" #*>-\t")), "")
    line = line or next((file.name for file in files), "") or "New conversation"
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
