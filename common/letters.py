"""Letters: the content of a mail, told once, from which its plain text and its HTML are made.

Both forms have the same sentences, facts and address, since neither is written by itself. Every text becomes one line,
so that a name with line breaks in it adds neither a header nor a paragraph.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

WIDTH = 78
# Of a word on the line of a fact, beside its label.
LONGEST_WHOLE = 22
# Longer subjects are cut off by every reader.
MOST_SUBJECT_CHARS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The one thing to do: words for the button, and a path of the site or a whole address."""

    label: str
    path: str

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{settings.PUBLIC_URL}{self.path}" if self.path.startswith("/") else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail's content. `code` is to be typed in; `rows` are facts as label and value; `after` follows the link.

    `reason` says why the reader gets it, and `unsubscribe` is the address that ends that, where there is one.
    """

    subject: str
    paragraphs: Sequence[str]
    code: str = ""
    rows: Sequence[tuple[str, str]] = ()
    link: Link | None = None
    after: Sequence[str] = ()
    reason: str = ""
    unsubscribe: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def message_of(letter: Letter, *, to: str) -> EmailMultiAlternatives:
    """Return the mail of a letter to one address: plain text, with HTML beside it."""
    subject = one_line(letter.subject)[:MOST_SUBJECT_CHARS]
    message = EmailMultiAlternatives(subject, text_of(letter), None, [to], headers=dict(letter.headers))
    message.attach_alternative(html_of(letter), "text/html")
    return message


def text_of(letter: Letter) -> str:
    """Return the plain text of a letter."""
    blocks = [_wrapped(text) for text in letter.paragraphs]
    if letter.code:
        blocks.append(f"    {one_line(letter.code)}")
    if letter.rows:
        blocks.append("\n".join(f"  {one_line(label)}: {one_line(value)}" for label, value in letter.rows))
    if letter.link:
        blocks.append(f"{one_line(letter.link.label)}:\n    {one_line(letter.link.url)}")
    blocks += [_wrapped(text) for text in letter.after]
    blocks.append("\n".join(_small_print(letter)))
    return "\n\n".join(block for block in blocks if block) + "\n"


def html_of(letter: Letter) -> str:
    """Return the HTML of a letter: styles are inline, and nothing is loaded from anywhere."""
    context = {
        "subject": one_line(letter.subject),
        "paragraphs": [one_line(text) for text in letter.paragraphs],
        "code": one_line(letter.code),
        "rows": [(one_line(label), one_line(value), _must_break(value)) for label, value in letter.rows],
        "link": letter.link,
        "after": [one_line(text) for text in letter.after],
        "reason": one_line(letter.reason),
        "unsubscribe": letter.unsubscribe,
        "public_url": settings.PUBLIC_URL,
    }
    return render_to_string("mail/letter.html", context)


def one_line(text: str) -> str:
    """Return a text with every run of white space, line breaks among it, as one space."""
    return " ".join(text.split())


def _must_break(value: str) -> bool:
    """Tell whether a value has a word, such as an address, that is too long for a phone. Amounts stay whole."""
    return any(len(word) > LONGEST_WHOLE for word in value.split())


def _wrapped(text: str) -> str:
    return textwrap.fill(one_line(text), width=WIDTH, break_long_words=False, break_on_hyphens=False)


def _small_print(letter: Letter) -> list[str]:
    lines = ["-- ", f"rgent, {settings.PUBLIC_URL}", _wrapped(letter.reason)]
    if letter.unsubscribe:
        lines.append(f"No more of these:\n{letter.unsubscribe}")
    return [line for line in lines if line]
