"""Request ids: what a caller tells support, and what the requests log is searched by."""

import secrets


def new_request_id() -> str:
    """Return a random id in the form of Anthropic's, `req_...`."""
    return f"req_{secrets.token_hex(12)}"
