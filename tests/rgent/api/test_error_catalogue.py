"""Every error of the domain is in the catalogue, unless it never reaches a caller of the API."""

import importlib
import pkgutil
from collections.abc import Iterator

import accounts
import billing
import chat
import common
from accounts.closing import StillOwner
from accounts.mail_budget import MailBudgetUsed
from accounts.organizations import NoOrganization
from accounts.second_factors import SecondFactorNeeded
from accounts.sign_up_limits import TooManySignUps
from accounts.team import LastOwner
from billing.credits.redeeming import CodeNotRedeemable
from billing.customer_webhooks.addresses import NotPublic
from billing.ledger.idempotency import AlreadyAnswered
from billing.mail.choice_links import UnknownChoice
from billing.plans.publishing import NotSellable
from billing.spend import NotWholeUnits
from billing.subscriptions.moves import CannotMove
from chat.claude import ClaudeError, ClaudeRefused
from chat.conversations.attachments import FileRefused
from chat.conversations.bounds import StillWriting
from chat.conversations.estimates import NotEstimated
from chat.conversations.switches import ChatSwitchedOff
from chat.conversations.writing import NothingAsked
from common.json_fields import StandsTwice
from rgent.api.error_catalogue import CATALOGUE

APPS = (accounts, billing, chat, common)
ANSWERED_OTHERWISE = {
    MailBudgetUsed: "becomes an InvitationRefused",
    CodeNotRedeemable: "told on a page",
    NoOrganization: "told on a page",
    TooManySignUps: "told on a page",
    StillOwner: "told on a page",
    SecondFactorNeeded: "told on a page",
    LastOwner: "told on a page, and in admin",
    NotSellable: "told in admin",
    CannotMove: "told in admin",
    UnknownChoice: "told on a page",
    AlreadyAnswered: "carries the first answer",
    ClaudeError: "the base of Claude's errors",
    ClaudeRefused: "keeps Claude's own status and words",
    NotWholeUnits: "a fault of ours: no plan is published with a price so fine",
    NotPublic: "told in the log of a webhook",
    FileRefused: "told on the chat page",
    NotEstimated: "told on the chat page",
    ChatSwitchedOff: "told on the chat page",
    NothingAsked: "told on the chat page",
    StillWriting: "told on the chat page",
    StandsTwice: "becomes an InvalidRequest or a ParseError",
}


def domain_errors(kind: type[Exception] = Exception) -> Iterator[type[Exception]]:
    """Yield the errors that our apps define, without those that Django makes for each model."""
    for error in kind.__subclasses__():
        if error.__module__.partition(".")[0] in {app.__name__ for app in APPS} and "." not in error.__qualname__:
            yield error
        yield from domain_errors(error)


def test_each_error_has_a_status_or_a_reason_to_have_none() -> None:
    for app in APPS:
        for module in pkgutil.walk_packages(app.__path__, f"{app.__name__}."):
            importlib.import_module(module.name)

    unknown = {
        error for error in domain_errors() if not any(kind in CATALOGUE for kind in error.__mro__)
    } - ANSWERED_OTHERWISE.keys()

    assert unknown == set()
