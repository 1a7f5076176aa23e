"""Token classes, and how many tokens of each a request used."""

from dataclasses import dataclass, fields
from enum import StrEnum


class TokenClass(StrEnum):
    """The classes Claude prices apart. `INPUT` excludes what was written to or read from the cache."""

    INPUT = "input"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_1H = "cache_write_1h"
    CACHE_READ = "cache_read"
    OUTPUT = "output"

    @property
    def label(self) -> str:
        """The name that pages show."""
        return _LABELS[self]


_LABELS = {
    TokenClass.INPUT: "Input",
    TokenClass.CACHE_WRITE_5M: "Cache write, 5 min",
    TokenClass.CACHE_WRITE_1H: "Cache write, 1 h",
    TokenClass.CACHE_READ: "Cache read",
    TokenClass.OUTPUT: "Output",
}


CACHE_WRITES = frozenset({TokenClass.CACHE_WRITE_5M, TokenClass.CACHE_WRITE_1H})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """Tokens of one request or of many, by class. Thinking is output."""

    input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0

    def tokens_of(self, token_class: TokenClass) -> int:
        """Return the tokens of one class."""
        return int(getattr(self, column_of(token_class)))

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(**{name: getattr(self, name) + getattr(other, name) for name in TOKEN_COLUMNS})

    @property
    def cached_tokens(self) -> int:
        """Input written to the cache or read from it."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens + self.cache_read_tokens

    @property
    def total(self) -> int:
        """All tokens, whatever their class."""
        return sum(getattr(self, name) for name in TOKEN_COLUMNS)


def column_of(token_class: TokenClass) -> str:
    """Name the column that counts a class, here and on every model that counts tokens."""
    return f"{token_class.value}_tokens"


TOKEN_COLUMNS = tuple(field.name for field in fields(TokenUsage))
