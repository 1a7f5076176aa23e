"""Limits of bodies outside the API's path, by who sends them. Of somebody unknown UNKNOWN_BYTES are kept at most.

A signature can be checked on a whole body alone, so large events are let in a few at a time. docs/decisions/0024.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from io import BytesIO

from asgiref.typing import HTTPScope
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest

from accounts.key_headers import caller_of_headers
from accounts.models import KeyScope, User
from billing.stripe_billing.events import check_signature_header
from chat.json_objects import InvalidRequest
from common.database import in_database
from rgent.nul import holds_nul

KB = 1024
UNKNOWN_BYTES = 64 * KB
MANAGEMENT_BYTES = 256 * KB
ADMIN_BYTES = WEBHOOK_BYTES = 1024 * KB
# Larger bodies with a signature that is not yet checked, in each process.
MOST_UNVERIFIED = 4
WEBHOOKS, MANAGEMENT, ADMIN, CHAT = "/webhooks/", "/api/", "/admin/", "/app/chat/"


class WebhooksBusy(Exception):
    """As many large events as may be read at once are being read. Stripe sends again."""


class _Unverified:
    """The number of larger bodies with an unchecked signature that this process holds."""

    count = 0

    @classmethod
    @contextmanager
    def one(cls) -> Iterator[None]:
        """Count one more for the time of the block. Raises WebhooksBusy."""
        if cls.count >= MOST_UNVERIFIED:
            raise WebhooksBusy("Too many large events come at once: send this one again.")
        cls.count += 1
        try:
            yield
        finally:
            cls.count -= 1


def check_head(scope: HTTPScope) -> None:
    """Refuse, before a byte of its body is read, an event whose head shows no fresh signature. Raises NotSigned."""
    if scope["path"].startswith(WEBHOOKS):
        signature = ASGIRequest(scope, BytesIO()).headers.get("stripe-signature", "")
        check_signature_header(signature, now_s=time.time())


async def larger_limit(scope: HTTPScope, held: ExitStack) -> int:
    """Return how large a body of this sender may be. Its memory is given back when `held` closes.

    Raises UnknownApiKey, ScopeMissing, WebhooksBusy, InvalidRequest, DatabaseUnavailable.
    """
    request, path = ASGIRequest(scope, BytesIO()), scope["path"]
    if holds_nul(request):
        raise InvalidRequest("The request holds a NUL character.")
    if path.startswith(MANAGEMENT):
        await caller_of_headers(request.headers, scope=KeyScope.MANAGE)
        return MANAGEMENT_BYTES
    if path.startswith(WEBHOOKS):
        held.enter_context(_Unverified.one())
        return WEBHOOK_BYTES
    if path.startswith(ADMIN) and await in_database(_is_of_the_staff, request):
        return ADMIN_BYTES
    if path.startswith(CHAT) and await in_database(_is_signed_in, request):
        return int(settings.CHAT_BODY_BYTES)
    return UNKNOWN_BYTES


def _is_of_the_staff(request: ASGIRequest) -> bool:
    person = _person_of(request)
    return person is not None and person.is_staff


def _is_signed_in(request: ASGIRequest) -> bool:
    return _person_of(request) is not None


def _person_of(request: ASGIRequest) -> User | None:
    """Return the person whose session a request has."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    person = get_user(request)
    return person if isinstance(person, User) and person.is_active else None
