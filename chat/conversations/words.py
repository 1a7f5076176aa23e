"""Words of an answer as they come, in pieces, so that a reader takes what is new without joining the rest again."""

from bisect import bisect_right


class Words:
    """All words of one kind so far."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._ends: list[int] = []

    @property
    def length(self) -> int:
        """How many characters they are."""
        return self._ends[-1] if self._ends else 0

    def add(self, piece: str) -> None:
        """Put a piece at the end."""
        self._ends.append(self.length + len(piece))
        self._pieces.append(piece)

    def after(self, offset: int) -> str:
        """Return what comes after the first `offset` characters."""
        first = bisect_right(self._ends, offset)
        begins_at = self._ends[first - 1] if first else 0
        return "".join(self._pieces[first:])[offset - begins_at :]
