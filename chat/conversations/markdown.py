"""Claude's markdown as HTML, typeset and inert: no HTML of its own, no script, no picture from elsewhere.

HTML in an answer is shown as text. What markdown-it makes is sanitised once more, so that nothing depends on one of the
two alone. Pictures are left out, since their addresses could carry words of the conversation to somebody's server.
"""

import re
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
FENCED = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "span"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "span": {"class"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
_FORMATTER = HtmlFormatter(nowrap=True)


def render(text: str) -> str:
    """Return markdown as HTML that may stand in a page."""
    words = len(FENCED.sub("", text))
    code = len(text) - words
    if words > MOST_TYPESET or code > MOST_CODE:
        return f"<pre>{escape(text)}</pre>"
    made = (_coloured if code <= MOST_COLOURED else _plain).render(text)
    return nh3.clean(
        made, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="nofollow noopener noreferrer"
    )


def _colour(code: str, language: str, _: str) -> str:
    """Return code as HTML with a class for each kind of word; an empty text leaves it plain."""
    if not language:
        return ""
    try:
        return str(highlight(code, get_lexer_by_name(language), _FORMATTER))
    except ClassNotFound:
        return ""


def _typesetter(**options: object) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, **options}).enable(["table", "strikethrough"]).disable(["image"])


_coloured, _plain = _typesetter(highlight=_colour), _typesetter()
