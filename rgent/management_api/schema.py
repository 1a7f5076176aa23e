"""Parts of the OpenAPI document that all endpoints share: authentication and errors."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from rgent.api.error_catalogue import CATALOGUE

ERRORS = {
    "400": "A field or parameter is wrong. The message names it and says what to send.",
    "401": "The key is missing, wrong, expired or revoked.",
    "402": "The card was declined, or needs its owner. Nothing was changed.",
    "403": "The key lacks the `manage` scope, or nobody may do this with a key.",
    "404": "Your organization has nothing with this id.",
    "409": "The present state does not allow this. The message says which state does.",
    "503": "Stripe or the mail server did not answer. Nothing was changed: try again in a minute.",
}
ERROR_SCHEMA = {
    "type": "object",
    "description": "An error, in the shape of all errors of this API.",
    "required": ["type", "error", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": ["error"]},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {
                "type": {"type": "string", "enum": sorted({kind for _, kind in CATALOGUE.values()})},
                "message": {"type": "string", "description": "A sentence that says how to mend it."},
            },
        },
        "request_id": {"type": "string", "description": "The same as in the `request-id` header."},
    },
    "example": {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "name: This field is required."},
        "request_id": "req_0123456789abcdef01234567",
    },
}


class KeySchemes(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The two headers that carry a key."""

    target_class = "accounts.api.authentication.ManagementKeyAuthentication"
    name = ["bearer", "x-api-key"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Require one of the two."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Return the OpenAPI description of both."""
        return [
            {"type": "http", "scheme": "bearer", "description": "A key with the `manage` scope."},
            {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
        ]


def describe_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the errors that every operation shares to each, and say which answers are text.

    It is a postprocessing hook of drf-spectacular. An operation's own errors, such as 409, are named by its view with
    an empty answer; they get the same shape.
    """
    result["components"]["schemas"]["Error"] = ERROR_SCHEMA
    for operations in result["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            _describe_text(responses)
            for status in _statuses(operation):
                responses[status] = {
                    "description": ERRORS[status],
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            operation["responses"] = dict(sorted(responses.items()))
    return result


def _describe_text(responses: dict[str, Any]) -> None:
    """Describe every answer that is not JSON, such as CSV, as text: drf-spectacular gives it the JSON's schema."""
    for response in responses.values():
        for media_type, content in response.get("content", {}).items():
            if media_type != "application/json":
                content["schema"] = {"type": "string"}


def _statuses(operation: dict[str, Any]) -> list[str]:
    """Return the statuses of the errors that an operation may end in."""
    parameters = operation.get("parameters", [])
    statuses = ["401", "403", *(status for status in ("402", "409", "503") if status in operation["responses"])]
    if "requestBody" in operation or any(parameter["in"] == "query" for parameter in parameters):
        statuses.append("400")
    if any(parameter["in"] == "path" for parameter in parameters) or "404" in operation["responses"]:
        statuses.append("404")
    return statuses
