"""The error catalogue: the status and type of each domain error, in the shape Anthropic's clients expect.

Status and type follow docs.anthropic.com/en/api/errors. An error that is not listed is a 500 and is logged.
"""

import json
import logging
import math
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpResponse
from django.urls import Resolver404
from rest_framework import exceptions as rest_framework

from accounts.api_keys import ModelNotForKey, ScopeMissing, UnknownApiKey
from accounts.invitations import InvitationNotFound, InvitationRefused, MailUnavailable
from accounts.members import MemberNotFound, OwnerProtected
from accounts.projects import ProjectNotChanged, ProjectRefused
from billing.bills.invoice_records import InvoiceNotFinal
from billing.bills.invoices import InvoiceNotFound
from billing.customer_webhooks.addresses import BadAddress
from billing.customer_webhooks.endpoints import TooManyEndpoints
from billing.customer_webhooks.log import EndpointIsOff, TooManySendings
from billing.keys.rotation import KeyIsOver, KeyIsReplaced
from billing.ledger.entries import (
    ModelNotInPlan,
    ModelRetired,
    ModelStopped,
    NotEntitled,
    OrganizationStopped,
    SpendingCapReached,
    SubscriptionSuspended,
    TrialExhausted,
    UnknownModel,
)
from billing.ledger.group_commit import NotSettled
from billing.ledger.idempotency import IdempotencyKeyReused, StillInFlight
from billing.ledger.writers import LedgerUnavailable
from billing.limits.gate import RateLimited
from billing.metering.flush import UsageNotSent
from billing.plans.versions import PlanNotPublished
from billing.public_words import PUBLIC_WORDS
from billing.stripe_billing.client import PaymentDeclined, StripeRejected, StripeUnavailable
from billing.stripe_billing.events import NotSigned
from billing.subscriptions.cards import NothingOwed
from billing.subscriptions.changing import ChangeUnderway, SubscriptionChanged
from billing.subscriptions.checkout import AlreadySubscribed, OrganizationClosed
from billing.subscriptions.company import AddressNeeded
from billing.subscriptions.plan_changes import NothingToChange, NotSubscribed
from billing.usage.request_log import RequestNotFound
from chat.api import MethodNotAllowed
from chat.claude import ClaudeBrokeOff, ClaudeMisconfigured, ClaudeRefused, ClaudeTimedOut, ClaudeUnavailable
from chat.json_objects import InvalidRequest
from chat.rate_headers import rate_limit_headers
from common.outage import DatabaseUnavailable
from common.rest.json_body import ManagementBodyTooLarge
from rgent.api.request_body import BodyTooLarge, BodyTooSlow
from rgent.body_limits import WebhooksBusy

logger = logging.getLogger(__name__)

OVERLOADED = 529  # Anthropic's own status, unknown to HTTPStatus

CATALOGUE: dict[type[Exception], tuple[int, str]] = {
    InvalidRequest: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    UnknownApiKey: (HTTPStatus.UNAUTHORIZED, "authentication_error"),
    ScopeMissing: (HTTPStatus.FORBIDDEN, "permission_error"),
    ProjectRefused: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    ProjectNotChanged: (HTTPStatus.CONFLICT, "conflict_error"),
    ModelNotForKey: (HTTPStatus.FORBIDDEN, "permission_error"),
    TrialExhausted: (HTTPStatus.PAYMENT_REQUIRED, "billing_error"),
    SpendingCapReached: (HTTPStatus.PAYMENT_REQUIRED, "billing_error"),
    SubscriptionSuspended: (HTTPStatus.PAYMENT_REQUIRED, "billing_error"),
    OrganizationStopped: (HTTPStatus.FORBIDDEN, "permission_error"),
    ModelStopped: (HTTPStatus.FORBIDDEN, "permission_error"),
    ModelNotInPlan: (HTTPStatus.FORBIDDEN, "permission_error"),
    ModelRetired: (HTTPStatus.NOT_FOUND, "not_found_error"),
    NotEntitled: (HTTPStatus.FORBIDDEN, "permission_error"),
    UnknownModel: (HTTPStatus.NOT_FOUND, "not_found_error"),
    Resolver404: (HTTPStatus.NOT_FOUND, "not_found_error"),
    MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request_error"),
    DisallowedHost: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    BodyTooSlow: (HTTPStatus.REQUEST_TIMEOUT, "timeout_error"),
    NotSigned: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    WebhooksBusy: (HTTPStatus.SERVICE_UNAVAILABLE, "api_error"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large"),
    ManagementBodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "request_too_large"),
    MemberNotFound: (HTTPStatus.NOT_FOUND, "not_found_error"),
    OwnerProtected: (HTTPStatus.FORBIDDEN, "permission_error"),
    InvitationNotFound: (HTTPStatus.NOT_FOUND, "not_found_error"),
    InvitationRefused: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    InvoiceNotFound: (HTTPStatus.NOT_FOUND, "not_found_error"),
    InvoiceNotFinal: (HTTPStatus.CONFLICT, "conflict_error"),
    RequestNotFound: (HTTPStatus.NOT_FOUND, "not_found_error"),
    AddressNeeded: (HTTPStatus.CONFLICT, "conflict_error"),
    AlreadySubscribed: (HTTPStatus.CONFLICT, "conflict_error"),
    OrganizationClosed: (HTTPStatus.CONFLICT, "conflict_error"),
    IdempotencyKeyReused: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    StillInFlight: (HTTPStatus.CONFLICT, "conflict_error"),
    NotSubscribed: (HTTPStatus.CONFLICT, "conflict_error"),
    SubscriptionChanged: (HTTPStatus.CONFLICT, "conflict_error"),
    ChangeUnderway: (HTTPStatus.CONFLICT, "conflict_error"),
    NothingToChange: (HTTPStatus.CONFLICT, "conflict_error"),
    KeyIsOver: (HTTPStatus.CONFLICT, "conflict_error"),
    KeyIsReplaced: (HTTPStatus.CONFLICT, "conflict_error"),
    NothingOwed: (HTTPStatus.CONFLICT, "conflict_error"),
    BadAddress: (HTTPStatus.BAD_REQUEST, "invalid_request_error"),
    TooManyEndpoints: (HTTPStatus.CONFLICT, "conflict_error"),
    EndpointIsOff: (HTTPStatus.CONFLICT, "conflict_error"),
    TooManySendings: (HTTPStatus.CONFLICT, "conflict_error"),
    PlanNotPublished: (HTTPStatus.SERVICE_UNAVAILABLE, "api_error"),
    UsageNotSent: (HTTPStatus.SERVICE_UNAVAILABLE, "api_error"),
    PaymentDeclined: (HTTPStatus.PAYMENT_REQUIRED, "billing_error"),
    StripeUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "api_error"),
    StripeRejected: (HTTPStatus.BAD_GATEWAY, "api_error"),
    MailUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "api_error"),
    rest_framework.NotFound: (HTTPStatus.NOT_FOUND, "not_found_error"),
    Http404: (HTTPStatus.NOT_FOUND, "not_found_error"),
    rest_framework.MethodNotAllowed: (HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request_error"),
    rest_framework.NotAcceptable: (HTTPStatus.NOT_ACCEPTABLE, "invalid_request_error"),
    rest_framework.UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "invalid_request_error"),
    RateLimited: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_error"),
    LedgerUnavailable: (OVERLOADED, "overloaded_error"),
    DatabaseUnavailable: (OVERLOADED, "overloaded_error"),
    NotSettled: (HTTPStatus.INTERNAL_SERVER_ERROR, "api_error"),
    ClaudeUnavailable: (OVERLOADED, "overloaded_error"),
    ClaudeMisconfigured: (HTTPStatus.INTERNAL_SERVER_ERROR, "api_error"),
    ClaudeBrokeOff: (HTTPStatus.BAD_GATEWAY, "api_error"),
    ClaudeTimedOut: (HTTPStatus.GATEWAY_TIMEOUT, "timeout_error"),
}
ADDRESSES = "The API is at /chat, /v1/messages, /v1/chat/completions and /v1/models."
# Sentences for callers, where the words of an error are meant for the operator.
WORDS: dict[type[Exception], str] = {
    **PUBLIC_WORDS,
    UnknownApiKey: "The API key is missing, wrong, expired or revoked. Send it as `Authorization: Bearer <key>`, as "
    "`x-api-key`, or, on /chat, as `access_code`.",
    Resolver404: f"There is nothing at this address. {ADDRESSES}",
    DisallowedHost: "The Host header names no host that is served here. Use the address that you were given.",
    ClaudeRefused: "Something on the way to Claude answered in Claude's place. Nothing was charged.",
    ClaudeMisconfigured: "This service's access to Claude needs its operator's attention. Nothing was charged.",
}
# SDKs obey `x-should-retry: false`: a repetition of these would be refused again, or be paid twice.
NOT_TO_RETRY = (
    ModelNotForKey,
    NotEntitled,
    NotSettled,
    AlreadySubscribed,
    NotSubscribed,
    SubscriptionChanged,
    NothingToChange,
    NothingOwed,
    ClaudeMisconfigured,
    ClaudeBrokeOff,
    ClaudeTimedOut,
)
UNEXPECTED = (HTTPStatus.INTERNAL_SERVER_ERROR, "api_error")
# The type of an error that is known by its status alone, such as a page of a proxy's.
TYPES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.REQUEST_TIMEOUT: "timeout_error",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
    OVERLOADED: "overloaded_error",
}
UNEXPECTED_WORDS = "Something went wrong on our side. Tell support the request id."


class PageRefused(Exception):
    """A page refused a request, and its status is all that is known of the reason."""

    def __init__(self, *, status: int) -> None:
        super().__init__(
            f"This address is a page of the portal and takes no such request. {ADDRESSES}"
            if status < HTTPStatus.INTERNAL_SERVER_ERROR
            else UNEXPECTED_WORDS
        )
        self.status = status


def error_response(error: Exception, *, request_id: str) -> HttpResponse:
    """Return the JSON answer to an error. Claude's own errors keep Claude's status and words."""
    status, _ = _entry(error)
    if isinstance(error, ClaudeRefused):
        body = error.body or _foreign(error, request_id=request_id)
        response = HttpResponse(body, status=status, content_type="application/json")
        if error.retry_after:
            response["retry-after"] = error.retry_after
        return response
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        trace = None if _is_listed(error) else error
        logger.error("request failed", extra={"request_id": request_id, "error": str(error)}, exc_info=trace)
    response = HttpResponse(error_body(error, request_id=request_id), status=status, content_type="application/json")
    if isinstance(error, NOT_TO_RETRY):
        response["x-should-retry"] = "false"
    if isinstance(error, RateLimited):
        response["retry-after"] = str(max(math.ceil(error.retry_after_s), 1))
        for name, value in rate_limit_headers(error.levels).items():
            response[name] = value
    if isinstance(error, MethodNotAllowed):
        response["allow"] = error.allowed
    return response


def _foreign(error: ClaudeRefused, *, request_id: str) -> bytes:
    """Return our own body in place of one that Claude did not write."""
    logger.error("request failed", extra={"request_id": request_id, "error": str(error)})
    return error_body(error, request_id=request_id)


def error_body(error: Exception, *, request_id: str) -> bytes:
    """Return an error as the JSON that answers and streams carry."""
    _, kind = _entry(error)
    words = WORDS.get(type(error)) or (str(error) if _is_listed(error) else UNEXPECTED_WORDS)
    return json.dumps({"type": "error", "error": {"type": kind, "message": words}, "request_id": request_id}).encode()


def _entry(error: Exception) -> tuple[int, str]:
    if isinstance(error, ClaudeRefused | PageRefused):
        by_status = "api_error" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        return error.status, TYPES.get(error.status, by_status)
    return next((CATALOGUE[kind] for kind in type(error).__mro__ if kind in CATALOGUE), UNEXPECTED)


def _is_listed(error: Exception) -> bool:
    return isinstance(error, PageRefused) or any(kind in CATALOGUE for kind in type(error).__mro__)
