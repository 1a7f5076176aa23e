"""The ids of tool calls, as Claude takes them: letters, digits, `_` and `-`, each id once in a conversation.

A history that another provider made may hold any text, and the same id in turn after turn. The same history is always
rewritten to the same ids, so that what Claude has cached of it is found again.
"""

import hashlib
import re
from collections import Counter, defaultdict, deque

# Claude's own pattern, as its errors name it. It names no length; its ids and OpenAI's are shorter than this.
TAKEN_BY_CLAUDE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Ids that begin so are made here. Given ones that do are rewritten too, so no given id equals a made one.
MADE = "rewritten_"


class ToolIds:
    """The ids of one conversation, read in its order."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._unanswered: defaultdict[str, deque[int]] = defaultdict(deque)

    def of_call(self, given: str) -> str:
        """Return the id of a call: the given one, unless Claude would refuse it or it was given before."""
        number = self._calls[given]
        self._calls[given] += 1
        self._unanswered[given].append(number)
        return _id(given, number)

    def of_result(self, given: str) -> str:
        """Return the id of the call that a result answers: of those with its id, the first without a result."""
        unanswered = self._unanswered[given]
        return _id(given, unanswered.popleft() if unanswered else max(self._calls[given] - 1, 0))


def _id(given: str, number: int) -> str:
    if not number and TAKEN_BY_CLAUDE.fullmatch(given) and not given.startswith(MADE):
        return given
    text = f"{number}:{given}".encode(errors="surrogatepass")
    return MADE + hashlib.blake2b(text, digest_size=27).hexdigest()
