"""The check of addresses that callers give."""

from __future__ import annotations

import re

from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params

_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


def check_url(params: Params, name: str, *, param: str | None = None) -> None:
    """Raise InvalidRequest where the parameter `name` is given, not empty, and not an http address."""
    value = params.get(name)
    if value and not _URL.fullmatch(value):
        raise InvalidRequest(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            code="url_invalid",
            param=param or name,
        )
