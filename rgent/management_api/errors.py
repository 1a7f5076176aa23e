"""Errors of the management API, in the shape of all API errors."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.exceptions import ParseError, ValidationError

from chat.json_objects import InvalidRequest
from common.outage import DatabaseUnavailable
from rgent.api.error_catalogue import error_response

logger = logging.getLogger(__name__)


class ManagementUnavailable(DatabaseUnavailable):
    """A call met a database that does not answer. Unlike a request for Claude, it may have been carried out."""


def management_error(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """Return the answer to an error that a view raised (DRF's `EXCEPTION_HANDLER`)."""
    if isinstance(error, ValidationError):
        error = InvalidRequest(" ".join(_sentences(error.detail)))
    elif isinstance(error, ParseError):
        error = InvalidRequest(str(error.detail))
    elif isinstance(error, OperationalError | InterfaceError):
        logger.warning("the database did not answer a management call", extra={"error": str(error)})
        error = ManagementUnavailable("Our database does not answer right now. See whether it was done, and ask again.")
    response = error_response(error, request_id=context["request"].request_id)
    if response.status_code == 401:
        response["www-authenticate"] = "Bearer"
    return response


def _sentences(detail: Any, *, field: str = "") -> Iterator[str]:
    """Yield a sentence for each fault, with the field's name before it: `scopes.0: ...`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            path = field if name == "non_field_errors" else f"{field}.{name}" if field else str(name)
            yield from _sentences(inner, field=path)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _sentences(inner, field=field)
    else:
        yield f"{field}: {detail}" if field else str(detail)
