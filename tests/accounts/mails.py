"""Mails of the account pages, as tests read them."""

import re
from typing import Any


def code_in(mail: Any) -> str:
    """Return the code that a mail has on a line of its own."""
    found = re.search(r"^ {4}(\S+)$", mail.body, re.MULTILINE)
    assert found, mail.body
    return found[1]
