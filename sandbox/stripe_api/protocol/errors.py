"""Stripe's errors: their types, codes, sentences and JSON shape (https://docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class StripeError(Exception):
    """An error that is answered in Stripe's shape.

    `keeps_changes` is true where the transaction is committed in spite of the error, as for a declined payment.
    """

    status: int = 400
    type = "invalid_request_error"
    keeps_changes = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.extra = extra
        self.headers: dict[str, str] = {}

    def body(self, *, request_id: str) -> Json:
        """Return the JSON of the answer."""
        error: Json = {"code": self.code, "doc_url": doc_url(self.code), "message": self.message, "param": self.param}
        error |= {
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}",
            "type": self.type,
            **self.extra,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


class InvalidRequest(StripeError):
    """400: the parameters are wrong, or the object's state does not allow the operation."""


class Unauthenticated(StripeError):
    """401: the request has no API key, or none that opens the sandbox."""

    status = 401


class SessionExpired(StripeError):
    """401: the token of a meter event session has expired (version 2 of the API)."""

    status = 401
    type = "temporary_session_expired"


class Forbidden(StripeError):
    """403: the key, or the customer in the portal, may not do this."""

    status = 403


class NotFound(StripeError):
    """404: the address names nothing that exists."""

    status = 404


class IdempotencyConflict(StripeError):
    """400: the idempotency key came with another request before."""

    type = "idempotency_error"


class RateLimited(StripeError):
    """429: too many requests, or the object is busy."""

    status = 429


class ApiError(StripeError):
    """500: the sandbox itself failed, or was told to."""

    status = 500
    type = "api_error"


class CardError(StripeError):
    """402: the card was declined; the attempt is kept."""

    status = 402
    type = "card_error"
    keeps_changes = True


def doc_url(code: str | None) -> str | None:
    """Return the address of Stripe's page on an error code."""
    return f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}" if code else None


def missing(param: str) -> StripeError:
    """Return the error for a parameter that the request lacks."""
    return InvalidRequest(f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(noun: str, object_id: str, *, param: str = "id", status: int = 404) -> StripeError:
    """Return the error for a missing object: 404 where the address names it, 400 where a parameter does."""
    kind = NotFound if status == 404 else InvalidRequest
    return kind(f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


def not_simulated(what: str, *, param: str | None = None) -> StripeError:
    """Return the error for a feature of Stripe that the sandbox lacks. Its code sets it apart from Stripe's own
    refusals.
    """
    return InvalidRequest(
        f"The sandbox does not simulate {what}. Stripe does.", code="sandbox_not_simulated", param=param
    )
