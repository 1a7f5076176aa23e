"""A conversation ready for its page: the messages of the branch that is shown, each with its cost and its branches."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString, mark_safe

from billing.models import UsageRecord
from billing.plans.price_lists import PriceList
from billing.tokens import TokenClass
from chat.conversations.blocks import text_of, thinking_of
from chat.conversations.costs import Ahead, Total, ahead_of, newest_settled, records_of, total_of
from chat.conversations.following import end_if_dead
from chat.conversations.tree import Tree, messages_of, tree_of
from chat.models import Attachment, Conversation, Message

CLASS_WORDS = {
    TokenClass.INPUT: "in",
    TokenClass.CACHE_WRITE_5M: "written to cache",
    TokenClass.CACHE_WRITE_1H: "written to cache for 1 h",
    TokenClass.CACHE_READ: "from cache",
    TokenClass.OUTPUT: "out",
}
# Beside the words of an answer that ended in its own way.
ENDINGS = {
    "max_tokens": "The answer reached its limit of length.",
    "refusal": "Claude declined to answer this. Edit the question, or begin a new conversation.",
    "model_context_window_exceeded": "The conversation has filled the model's window. Begin a new one to go on.",
}


@dataclass(frozen=True, slots=True)
class Branches:
    """The branches at a message's place: which one is shown, and its neighbours."""

    position: int
    count: int
    before_id: int | None
    after_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message as the page shows it."""

    id: int
    is_question: bool
    text: str
    html: SafeString
    thinking: str
    model: str
    state: str
    failure: str
    failure_text: str
    ending: str
    was_cut: bool
    branches: Branches | None
    files: list[Attachment]
    record: UsageRecord | None
    is_last: bool
    parent_id: int | None

    @property
    def is_writing(self) -> bool:
        """Whether the answer is still being written."""
        return self.state == Message.State.WRITING

    @property
    def tokens(self) -> list[tuple[int, str]]:
        """The tokens of each class that the answer used, with the word for it."""
        if self.record is None:
            return []
        return [(count, CLASS_WORDS[each]) for each, count in self.record.usage.by_class if count]

    @property
    def took(self) -> timedelta | None:
        """How long the answer took."""
        record = self.record
        return record.settled_at - record.begun_at if record and record.settled_at else None


@dataclass(frozen=True, slots=True)
class ShownConversation:
    """A conversation's page: what is shown of it, what all of it has cost, and what the next message will."""

    messages: list[Shown]
    total: Total
    ahead: Ahead | None
    last_id: int | None

    @property
    def was_cut(self) -> bool:
        """Whether the last answer reached its limit of tokens, so that it can be continued."""
        return bool(self.messages) and self.messages[-1].was_cut

    @property
    def writing_id(self) -> int | None:
        """The answer on the shown branch that is being written."""
        return next((each.id for each in self.messages if each.is_writing), None)


def show(conversation: Conversation, *, prices: PriceList, now: datetime) -> ShownConversation:
    """Return the branch of a conversation that is shown."""
    tree = tree_of(conversation)
    branch = tree.branch(conversation.current_id)
    messages = messages_of(branch)
    records = records_of(node.request_id for node in tree.nodes.values())
    for message in messages:
        end_if_dead(message)
    shown = [_shown(each, tree=tree, records=records, last_id=branch[-1]) for each in messages]
    newest = newest_settled([each.request_id for each in messages], records)
    ahead = ahead_of(newest, prices=prices, model=conversation.model, now=now)
    return ShownConversation(shown, total_of(records), ahead, branch[-1] if branch else None)


def _shown(message: Message, *, tree: Tree, records: dict[str, UsageRecord], last_id: int) -> Shown:
    writing = message.state == Message.State.WRITING
    return Shown(
        id=message.id,
        is_question=message.role == Message.Role.USER,
        text=text_of(message.content) if writing else message.text,
        html=mark_safe(message.html),  # noqa: S308 - made by markdown.render, which sanitises
        thinking=thinking_of(message.content).strip(),
        model=message.model,
        state=message.state,
        failure=message.failure,
        failure_text=message.failure_text,
        ending=ENDINGS.get(message.stop_reason, ""),
        was_cut=message.stop_reason == "max_tokens",
        branches=_branches(tree, message.id),
        files=list(message.attachments.all()),
        record=records.get(message.request_id),
        is_last=message.id == last_id,
        parent_id=message.parent_id,
    )


def _branches(tree: Tree, message_id: int) -> Branches | None:
    """Return the branches at a message's place where there are several."""
    siblings = tree.siblings(message_id)
    if len(siblings) < 2:
        return None
    at = siblings.index(message_id)
    return Branches(
        position=at + 1,
        count=len(siblings),
        before_id=siblings[at - 1] if at else None,
        after_id=siblings[at + 1] if at + 1 < len(siblings) else None,
    )
