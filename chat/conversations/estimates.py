"""The cost of a question before it is sent, files and all, by Claude's own count, which is free."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from asgiref.sync import async_to_sync

from accounts.models import Membership
from billing.ledger.entitlement import check_entitled
from billing.limits import gate
from billing.plans.price_lists import PriceList
from chat import claude
from chat.conversations.attachments import block_of
from chat.conversations.costs import ahead_of, estimate_minor, newest_settled, records_of
from chat.conversations.requests import body_of, joined
from chat.conversations.tree import messages_of, tree_of
from chat.conversations.writing import Question
from chat.lenient_json import as_object
from chat.models import Attachment, Conversation
from common.request_ids import new_request_id

# A count takes no more of a request than what is read.
COUNTED = ("model", "system", "thinking", "messages")


class NotEstimated(Exception):
    """Claude did not count the question. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The input tokens of a question with all that goes before it, and what they cost at most."""

    tokens: int
    cost_minor: Decimal


def estimate(
    conversation: Conversation | None, *, membership: Membership, question: Question, prices: PriceList, now: datetime
) -> Estimate:
    """Return what asking a question would cost before its answer.

    Raises NotEstimated, RateLimited, and a NotEntitled where such a request could not begin.
    """
    if not question.model:
        raise NotEstimated("Choose a model of your plan.")
    organization_id = membership.organization_id
    question = replace(question, model=check_entitled(organization_id, question.model, (), now))
    conversation = conversation or Conversation(model=question.model)
    conversation.system, conversation.thinks = question.system, question.thinks
    branch = messages_of(tree_of(conversation).branch(question.parent_id)) if conversation.pk else []
    body = body_of(conversation, branch=branch, model=question.model)
    body["messages"] = joined([*body["messages"], {"role": "user", "content": _content(question)}])
    counted = {name: value for name, value in body.items() if name in COUNTED}
    tokens = _count(counted, organization_id=organization_id)
    asked = [each.request_id for each in branch]
    last = newest_settled(asked, records_of(asked))
    ahead = ahead_of(last, prices=prices, model=question.model, now=now)
    return Estimate(tokens, estimate_minor(tokens, prices=prices, model=question.model, ahead=ahead))


def _content(question: Question) -> list[dict[str, Any]]:
    files = [
        block_of(Attachment(name=file.name, media_type=file.media_type), base64.b64encode(file.data).decode())
        for file in question.files
    ]
    return [*files, {"type": "text", "text": question.text.strip() or "."}]


def _count(body: dict[str, Any], *, organization_id: int) -> int:
    try:
        answer = async_to_sync(_ask_for_count)(json.dumps(body).encode(), organization_id=organization_id)
    except claude.ClaudeError as error:
        raise NotEstimated("Claude cannot count this at the moment. Sending it may work all the same.") from error
    count = as_object(json.loads(answer)).get("input_tokens")
    if not isinstance(count, int):
        raise NotEstimated("Claude told no count.")
    return count


async def _ask_for_count(body: bytes, *, organization_id: int) -> bytes:
    async with gate.share(organization_id=organization_id, request_id=new_request_id()):
        return await claude.count_tokens(body=body, headers={})
