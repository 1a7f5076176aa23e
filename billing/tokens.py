"""Token classes, and how many tokens of each a request used."""

from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Self


class TokenClass(StrEnum):
    """The classes Claude prices apart, each with the name that pages show.

    `INPUT` excludes tokens that were written to or read from the cache.
    """

    INPUT = "input", "Input"
    CACHE_WRITE_5M = "cache_write_5m", "Cache write, 5 min"
    CACHE_WRITE_1H = "cache_write_1h", "Cache write, 1 h"
    CACHE_READ = "cache_read", "Cache read"
    OUTPUT = "output", "Output"

    _value_: str
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Make a member from its stored value and its label."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


CACHE_WRITES = frozenset({TokenClass.CACHE_WRITE_5M, TokenClass.CACHE_WRITE_1H})
# A request without a write to the cache has these alone.
READ_INPUT = frozenset(TokenClass) - CACHE_WRITES - {TokenClass.OUTPUT}


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

    @property
    def by_class(self) -> list[tuple[TokenClass, int]]:
        """The tokens of each class, for tables."""
        return [(token_class, self.tokens_of(token_class)) for token_class in TokenClass]

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(**{name: getattr(self, name) + getattr(other, name) for name in TOKEN_COLUMNS})

    @property
    def cached_tokens(self) -> int:
        """Input written to the cache or read from it."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens + self.cache_read_tokens

    @property
    def rate_limited_input(self) -> int:
        """Input without reads from the cache, as Anthropic's own limits count (docs.anthropic.com, "rate limits")."""
        return sum(_rate_limited_input(self))

    @property
    def total(self) -> int:
        """All tokens, whatever their class."""
        return sum(getattr(self, name) for name in TOKEN_COLUMNS)


def column_of(token_class: TokenClass) -> str:
    """Name the column that counts a class, here and on every model that counts tokens."""
    return f"{token_class.value}_tokens"


TOKEN_COLUMNS = tuple(field.name for field in fields(TokenUsage))
_rate_limited_input = attrgetter(
    *(column_of(each) for each in TokenClass if each not in (TokenClass.CACHE_READ, TokenClass.OUTPUT))
)
