"""Numbers in addresses and forms, which anybody may write."""

# Fewer digits than a database's largest id has, and far fewer than Python refuses to read (4,300).
MOST_DIGITS = 18


def whole_number(text: str | None) -> int | None:
    """Return the whole number that `text` is, from 0 on; None where it is none, or longer than MOST_DIGITS."""
    if not text or len(text) > MOST_DIGITS:
        return None
    return int(text) if text.isascii() and text.isdecimal() else None
