"""Claude's errors: their HTTP statuses, types and wording."""

from __future__ import annotations

# https://platform.claude.com/docs/en/api/errors. Claude documents no type of its own for 405.
TYPE_BY_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MESSAGE_BY_STATUS = {
    400: "The sandbox was asked to refuse this request.",
    401: "invalid x-api-key",
    402: "Your credit balance is too low to access the Claude API.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not found",
    409: "The request conflicts with the current state of the resource.",
    413: "Request exceeds the maximum size",
    429: "This request would exceed the rate limit for your organization.",
    500: "Internal server error",
    504: "The request timed out.",
    529: "Overloaded",
}
FIRST_SERVER_ERROR = 500


class ApiError(Exception):
    """An error to be answered: its status, type, message and headers."""

    def __init__(
        self,
        *,
        status: int,
        message: str | None = None,
        error_type: str | None = None,
        retry_after_s: float | None = None,
        details: dict[str, object] | None = None,
    ) -> None:
        self.status = status
        self.error_type = error_type or type_of(status=status)
        self.message = message or MESSAGE_BY_STATUS.get(status, "The sandbox was asked to fail this request.")
        self.retry_after_s = retry_after_s
        self.details = details
        super().__init__(self.message)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that tell a client whether and when to try again."""
        headers = [
            (
                b"x-should-retry",
                b"true" if self.status in {408, 409, 429} or self.status >= FIRST_SERVER_ERROR else b"false",
            )
        ]
        if self.retry_after_s is not None:
            headers.append((b"retry-after", f"{self.retry_after_s:g}".encode()))
        return headers


def type_of(*, status: int) -> str:
    """Return the error type that Claude gives with an HTTP status."""
    default = "api_error" if status >= FIRST_SERVER_ERROR else "invalid_request_error"
    return TYPE_BY_STATUS.get(status, default)


def invalid(message: str) -> ApiError:
    """Return the error for a request that Claude refuses as wrong (400)."""
    return ApiError(status=400, message=message)


def error_body(error: ApiError, *, request_id: str) -> dict[str, object]:
    """Return an error in Claude's shape, which is the same in an answer's body and in a stream."""
    told: dict[str, object] = {"type": error.error_type, "message": error.message}
    if error.details is not None:
        told["details"] = error.details
    return {"type": "error", "error": told, "request_id": request_id}
