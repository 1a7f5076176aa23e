"""Requests of a branch, and the cost of a long conversation: stated, and read off the sandbox's cache."""

from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from billing.plans.price_lists import price_list
from billing.tokens import TokenClass
from chat.conversations.requests import body_of, request_of
from chat.conversations.tree import messages_of, tree_of
from chat.models import Attachment, Conversation, Message
from chat.usage import read_usage
from tests.chat.http import send
from tests.factories import HAIKU, make_subscriber
from tests.servers import SandboxServer

TURNS = 40
KEY = {"x-api-key": "sandbox", "anthropic-version": "2023-06-01"}
# Longer than the model's minimum of 512 tokens from the second turn on.
QUESTION = "[[usage output=200]] " + "Tell me about the lighthouses of this coast, one after the other. " * 30


def make_conversation(turns: int) -> Conversation:
    """Make a conversation that ends with a question, without asking Claude."""
    customer = make_subscriber()
    membership = Membership.objects.get(organization=customer.organization)
    now = timezone.now()
    conversation = Conversation.objects.create(membership=membership, model=HAIKU, created_at=now, changed_at=now)
    parent = None
    for turn in range(2 * turns - 1):
        asks = turn % 2 == 0
        parent = Message.objects.create(
            conversation=conversation,
            parent=parent,
            role="user" if asks else "assistant",
            text=f"{turn} {QUESTION}" if asks else "",
            content=[] if asks else [{"type": "text", "text": f"{turn} " + "A light in the dark. " * 20}],
            created_at=now,
        )
    Conversation.objects.filter(id=conversation.id).update(current=parent)
    conversation.refresh_from_db()
    return conversation


def test_forty_turns_cost_what_caching_allows(db: None, sandbox: SandboxServer):
    conversation = make_conversation(TURNS)
    branch = messages_of(tree_of(conversation).branch(conversation.current_id))
    account = make_subscriber().account
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    rates = prices.rates[HAIKU]
    spent = allowed = uncached = Decimal(0)
    known = 0

    for turn in range(TURNS):
        body = body_of(conversation, branch=branch[: 2 * turn + 1], model=HAIKU) | {"stream": False}
        answer = send(sandbox.url, "POST", "/v1/messages", body=body, headers=KEY)
        usage = read_usage(answer.json["usage"])
        whole = usage.input_tokens + usage.cached_tokens
        spent += prices.cost_minor(model=HAIKU, usage=usage)
        output_minor = rates[TokenClass.OUTPUT] * usage.output_tokens
        if whole >= 512:
            read, new = rates[TokenClass.CACHE_READ] * known, rates[TokenClass.CACHE_WRITE_5M] * (whole - known)
            allowed, known = allowed + read + new + output_minor, whole
        else:
            allowed += rates[TokenClass.INPUT] * whole + output_minor
        uncached += rates[TokenClass.INPUT] * whole + output_minor

    # All that the request before had read or written is read from the cache, and the rest is written to it.
    assert spent == allowed
    assert spent < uncached / 3


def test_thinking_and_what_failed_without_a_word_are_not_sent_back(db: None):
    conversation = make_conversation(2)
    answer = Message.objects.get(conversation=conversation, role="assistant")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    Message.objects.filter(id=answer.id).update(content=[thought, {"type": "text", "text": "Yes."}])
    sent = body_of(conversation, branch=list(_branch(conversation)), model=HAIKU)["messages"]
    Message.objects.filter(id=answer.id).update(content=[])
    joined = body_of(conversation, branch=list(_branch(conversation)), model=HAIKU)["messages"]

    assert sent[1]["content"] == [{"type": "text", "text": "Yes."}]
    assert [message["role"] for message in joined] == ["user"]


def test_a_branch_that_was_read_whole_makes_its_request_without_the_database(db: None):
    conversation = make_conversation(1)
    Attachment.objects.create(message_id=conversation.current_id, media_type="image/png", data=b"dot", size=3)
    ids = tree_of(conversation).branch(conversation.current_id)
    branch = messages_of(ids, whole=True)

    with CaptureQueriesContext(connection) as queries:
        request_of(conversation, branch=branch, model=HAIKU)

    assert len(queries) == 0


def _branch(conversation: Conversation) -> list[Message]:
    return messages_of(tree_of(conversation).branch(conversation.current_id))
