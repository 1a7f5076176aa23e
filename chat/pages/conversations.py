"""The chat page itself: the history beside one conversation, or beside an empty one."""

import secrets
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.time_zones import zone_of
from billing.models import BillingAccount
from billing.money import EXACT, format_exact
from billing.pages.frame import page_frame
from billing.plans.price_lists import PriceList, price_list
from billing.plans.retirements import in_service
from billing.tokens import TokenClass
from chat.conversations.attachments import file_limits
from chat.conversations.history import by_day, history
from chat.conversations.showing import show
from chat.conversations.writing import Question, kept_files
from chat.models import Conversation
from chat.pages.access import chat_page, own_conversation
from common.numbers import whole_number

TRIAL_NEARLY_USED = 10
MOST_PAGES = 1000


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model of the member's plan with its prices, in dollars a million tokens."""

    id: str
    input_price: str
    output_price: str


@require_safe
@chat_page
def new(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Show an empty conversation."""
    return conversation_page(request, membership)


@require_safe
@chat_page
def conversation(request: HttpRequest, membership: Membership, *, conversation_id: int) -> HttpResponse:
    """Show one of the member's conversations."""
    return conversation_page(request, membership, own_conversation(membership, conversation_id))


def conversation_page(
    request: HttpRequest,
    membership: Membership,
    shown: Conversation | None = None,
    *,
    question: Question | None = None,
    refused: str = "",
) -> HttpResponse:
    """Show a conversation, or an empty one; a `question` that was `refused` stands in the form again."""
    account, context = page_frame(membership)
    prices = price_list(plan_id=account.plan_id, priced_at=account.priced_at)
    now = context["now"]
    models = model_choices(prices, models=in_service(prices.models, now=now))
    context |= _list(request, membership, now=now)
    context |= {
        "conversation": shown,
        "shown": show(shown, prices=prices, now=now) if shown else None,
        "models": models,
        "chosen": _chosen(shown, question, models),
        "question": question,
        "file_limits": file_limits(),
        "kept": kept_files(shown, question).defer("data") if question and question.kept_ids else (),
        "refused": refused,
        "nonce": secrets.token_hex(8),
        "edited_id": whole_number(request.GET.get("edit")),
        "trial_left": _trial_left(account, context),
    }
    return render(request, "chat/chat.html", context, status=422 if refused else 200)


def model_choices(prices: PriceList, *, models: list[str]) -> list[ModelChoice]:
    """Return the plan's models that Claude still serves, each with its prices."""
    return [
        ModelChoice(
            id=model,
            input_price=_per_million(prices, model, TokenClass.INPUT),
            output_price=_per_million(prices, model, TokenClass.OUTPUT),
        )
        for model in models
    ]


def _per_million(prices: PriceList, model: str, token_class: TokenClass) -> str:
    return format_exact(EXACT.multiply(prices.rates[model][token_class], 1_000_000))


def _chosen(shown: Conversation | None, question: Question | None, models: list[ModelChoice]) -> dict[str, Any]:
    """Return what the form's choices stand at. A model that is gone gives way to the plan's first."""
    source = question or shown
    model = source.model if source else ""
    if model not in {each.id for each in models}:
        model = models[0].id if models else ""
    return {"model": model, "system": source.system if source else "", "thinks": bool(source and source.thinks)}


def _list(request: HttpRequest, membership: Membership, *, now: Any) -> dict[str, Any]:
    """Return the list of conversations: those that hold the words that are searched, a page of them."""
    wanted = request.GET.get("q", "")[:200]
    page = whole_number(request.GET.get("page")) or 1
    found, has_more = history(membership, wanted=wanted, page=min(page, MOST_PAGES))
    days = list(by_day(found, now=now, zone=zone_of(membership.user)))
    return {"days": days, "wanted": wanted, "older_page": page + 1 if has_more else None}


def _trial_left(account: BillingAccount, context: dict[str, Any]) -> int | None:
    """Return how many free requests are left, once that is worth saying."""
    standing = context["standing"]
    left: int = standing.trial_remaining
    return left if standing.is_trial and left <= TRIAL_NEARLY_USED else None
