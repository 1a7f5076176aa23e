"""Request ids: a caller tells one to support, who find the request by it in the log."""

import secrets


def new_request_id() -> str:
    """Return a random id in the form of Anthropic's, `req_...`."""
    return f"req_{secrets.token_hex(12)}"
