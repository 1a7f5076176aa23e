"""Request ids: a caller tells one to support, who find the request by it in the log."""

import os
import secrets
from collections import deque

BYTES = 12
# Asking the system's generator lets other threads go first, so it is asked for many ids at once.
AT_ONCE = 256
_ids: deque[str] = deque()
os.register_at_fork(after_in_child=_ids.clear)


def new_request_id() -> str:
    """Return a random id in the form of Anthropic's, `req_...`."""
    try:
        return _ids.popleft()
    except IndexError:
        return _more_ids()


def _more_ids() -> str:
    digits = secrets.token_hex(BYTES * AT_ONCE)
    ids = [f"req_{digits[start : start + 2 * BYTES]}" for start in range(0, len(digits), 2 * BYTES)]
    _ids.extend(ids[1:])
    return ids[0]
