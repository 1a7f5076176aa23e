"""The log of who came in and who changed access: an event a line, with fields, and never a password, code or key.

`user_id` is the person an event is about, `actor_id` or `actor_key_id` the person or key whose request made it.
"""

import logging
from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import HttpRequest

logger = logging.getLogger(__name__)


def note(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event at once, whatever becomes of the transaction."""
    logger.log(level, event, extra={**fields, **_request_fields()})


def note_on_commit(event: str, **fields: Any) -> None:
    """Log a change of rows once it is committed."""
    transaction.on_commit(partial(logger.info, event, extra={**fields, **_request_fields()}))


def _request_fields() -> dict[str, Any]:
    """Return where the request of this moment comes from; nothing in a task or a command."""
    request = context.request
    if request is None:
        return {}
    fields: dict[str, Any] = {"ip": address_of(request)}
    user, caller = getattr(request, "user", None), getattr(request, "auth", None)
    if user is not None and user.is_authenticated:
        fields["actor_id"] = user.pk
    if caller is not None:
        fields["actor_key_id"] = caller.api_key_id
    return fields


def address_of(request: HttpRequest) -> str | None:
    """Return the client's address, or None where the proxy tells none: a log line is never worth an error."""
    try:
        return str(get_adapter().get_client_ip(request))
    except (PermissionDenied, ImproperlyConfigured):
        return None
