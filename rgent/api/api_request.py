"""The request that the API's views get: Django's, with headers that are looked up one by one."""

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http.request import HttpHeaders


class ApiRequest(ASGIRequest):
    """A request whose headers cost what is asked of them. Django's own mapping converts all names of all headers."""

    @cached_property
    def headers(self) -> "Headers":  # type: ignore[override]
        """The headers by their names, in any case."""
        return Headers(self.META)


class Headers(Mapping[str, str]):
    """Headers as Django keeps them in `META`."""

    def __init__(self, meta: dict[str, str]) -> None:
        self._meta = meta

    def __getitem__(self, name: str) -> str:
        return self._meta[_name_in_meta(name)]

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return a header, or the default where the request lacks it."""
        return self._meta.get(_name_in_meta(name), default)

    def __iter__(self) -> Iterator[str]:
        return iter(HttpHeaders(self._meta))

    def __len__(self) -> int:
        return len(HttpHeaders(self._meta))


@lru_cache(maxsize=256)
def _name_in_meta(name: str) -> str:
    wanted = name.upper().replace("-", "_")
    return wanted if wanted in HttpHeaders.UNPREFIXED_HEADERS else f"HTTP_{wanted}"
