"""Mails of account pages, set in the design of all mails: the templates of `account/email/` are their one text.

Blank lines part its blocks. A block indented by four spaces is a code; "Label:" with an address below it is the link.
"""

import re

from common.letters import Letter, Link

CODE = re.compile(r" {4}(\S.*)")
LINK = re.compile(r"(?P<label>[^\n:]+):\n(?P<url>https?://\S+)")
REASON = "You get this mail since your address was used at rgent. Such mail cannot be turned off."


def letter_from_text(*, subject: str, text: str) -> Letter:
    """Return the letter of a mail written as text."""
    before: list[str] = []
    after: list[str] = []
    code, link = "", None
    for block in re.split(r"\n\s*?\n", text.strip("\n")):
        if found := CODE.fullmatch(block.rstrip()):
            code = found[1]
        elif found := LINK.fullmatch(block.strip()):
            link = Link(label=found["label"], path=found["url"])
        else:
            (after if code or link else before).append(block)
    return Letter(subject=subject, paragraphs=before, code=code, link=link, after=after, reason=REASON)
