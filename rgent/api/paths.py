"""Addresses of the API, also as clients with another base URL form them.

SDKs disagree on whether a base URL ends in `/v1`: Anthropic's add it, OpenAI's do not. So both are served, with or
without it, and however many slashes stand where the base URL and the path meet.
"""

from functools import lru_cache

UNDER_V1 = frozenset({"messages", "models"})


@lru_cache(maxsize=1024)
def api_path(path: str) -> str | None:
    """Return the API's own form of a path, such as `/v1/messages`; None where it is no address of the API."""
    parts = [part for part in path.split("/") if part]
    if parts[:2] == ["v1", "v1"]:
        parts = parts[1:]
    elif (parts and parts[0] in UNDER_V1) or parts[:2] == ["chat", "completions"]:
        parts = ["v1", *parts]
    return "/" + "/".join(parts) if parts == ["chat"] or parts[:1] == ["v1"] else None
