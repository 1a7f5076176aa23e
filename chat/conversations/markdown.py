"""Claude's markdown as HTML, typeset and inert: no HTML of its own, no script, no picture from elsewhere.

HTML in an answer is shown as text. The output of markdown-it is sanitised once more, so that nothing depends on one of
the two alone. Pictures are left out, since their addresses could carry words of the conversation to somebody's server.
"""

import re
from functools import cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# Beyond these, in characters, code stays without colours, and an answer plain: a page must not wait for it.
MOST_COLOURED = 15_000
MOST_TYPESET = 40_000
MOST_CODE = 150_000
# Beyond these cells, tables stay as they were written. A row of one character is filled up to its table's columns.
MOST_CELLS = 5_000
# Fences as CommonMark has them, or words would pass for code. The quantifiers are possessive, so that a line of nothing
# but fence characters is read once, and not once for each length that a fence could have.
FENCED = re.compile(
    r"^ {0,3}(([`~])\2{2,}+)(?:(?<=~)|(?=[^`\n]*+\n))[^\n]*+\n.*?(?:^ {0,3}\1\2*+[ \t]*+$|\Z)", re.MULTILINE | re.DOTALL
)
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "span"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "span": {"class"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
_FORMATTER = HtmlFormatter(nowrap=True)


def render(text: str) -> str:
    """Return markdown as HTML that may stand in a page."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_TYPESET + MOST_CODE:
        return _as_written(text)
    words = FENCED.sub("", text)
    code_length = len(text) - len(words)
    if len(words) > MOST_TYPESET or code_length > MOST_CODE:
        return _as_written(text)
    typesetter = _typesetter(coloured=code_length <= MOST_COLOURED, tables=_most_cells(words) <= MOST_CELLS)
    return nh3.clean(
        typesetter.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener noreferrer",
    )


def _as_written(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _most_cells(words: str) -> int:
    """Return how many cells the tables of these words have at most: a table ends at an empty line."""
    paragraphs = [paragraph.split("\n") for paragraph in words.split("\n\n") if "|" in paragraph]
    return sum(len(lines) * (1 + max(line.count("|") for line in lines)) for lines in paragraphs)


def _colour(code: str, language: str, _: str) -> str:
    """Return code as HTML with a class for each kind of word; an empty text leaves it plain."""
    if not language:
        return ""
    try:
        return str(highlight(code, get_lexer_by_name(language), _FORMATTER))
    except ClassNotFound:
        return ""


@cache
def _typesetter(*, coloured: bool, tables: bool) -> MarkdownIt:
    options = {"html": False, "highlight": _colour if coloured else None}
    rules = ["table", "strikethrough"] if tables else ["strikethrough"]
    return MarkdownIt("commonmark", options).enable(rules).disable(["image"])
