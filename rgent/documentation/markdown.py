"""Markdown of guides as HTML: code with its languages beside each other, headings with addresses."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.template.loader import render_to_string
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

LANGUAGES = {
    "curl": "curl",
    "python": "Python",
    "typescript": "TypeScript",
    "openai": "OpenAI SDK",
    "openai-typescript": "OpenAI SDK, TypeScript",
    "claude-code": "Claude Code",
}
PLACEHOLDER = re.compile(r"{{(\w+)}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of code. Those that stand beside each other have one `place` in their guide."""

    place: int
    language: str
    text: str
    is_tab: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page below one heading; the first one is below the title and has no anchor."""

    heading: str
    anchor: str
    text: str


def filled(source: str, values: Mapping[str, str]) -> str:
    """Return a source with `{{name}}` replaced. Raises KeyError for a name that has no value."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], source)


def html_of(source: str, *, language: str, root: str) -> str:
    """Return the HTML of a source. Of code in several languages it has the one that is chosen, or the first.

    `root` is the address that links without a scheme or a slash stand below.
    """
    tokens = _parser().parse(source)
    _number_headings(tokens)
    for token in _links(tokens):
        target = str(token.attrs.get("href", ""))
        if target and not target.startswith(("http://", "https://", "/", "#")):
            token.attrs["href"] = f"{root}{target.rstrip('/')}/"
    return _Renderer(language).render(tokens, _parser().options, {})


def snippets_of(source: str) -> list[Snippet]:
    """Return the code of a source that is for the reader to run, in order."""
    found = []
    for place, group in enumerate(_code_groups(_parser().parse(source))):
        for token in group:
            language = _language(token)
            if language in LANGUAGES:
                found.append(Snippet(place=place, language=language, text=token.content, is_tab=_is_tab(token)))
    return found


def sections_of(source: str) -> list[Section]:
    """Return the parts of a source as plain text, for the search."""
    sections: list[Section] = []
    texts: list[str] = []
    heading, anchor, inside = "", "", False
    tokens = _parser().parse(source)
    _number_headings(tokens)
    for token in tokens:
        if token.type == "heading_open" and token.tag in {"h2", "h3"}:
            sections.append(Section(heading=heading, anchor=anchor, text=" ".join(texts)))
            heading, anchor, texts = "", str(token.attrs["id"]), []
        inside = token.type == "heading_open" or (inside and token.type != "heading_close")
        if token.type == "inline":
            text = _plain(token)
            if inside:
                heading = text
            texts.append(text)
        elif token.type == "fence":
            texts.append(token.content)
    return [*sections, Section(heading=heading, anchor=anchor, text=" ".join(texts))]


class _Renderer(RendererHTML):
    """Renders code by a template, and of several languages one."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def render(self, tokens: Sequence[Token], options: Any, env: Any) -> str:
        """Return the HTML of the tokens. Tables scroll by themselves where they are too wide."""
        groups = {id(group[0]): group for group in _code_groups(tokens)}
        inner = {id(token) for group in groups.values() for token in group[1:]}
        parts = []
        for index, token in enumerate(tokens):
            if id(token) in groups:
                parts.append(self._code(groups[id(token)], place=list(groups).index(id(token))))
            elif id(token) in inner:
                continue
            elif token.type == "inline":
                parts.append(self.renderInline(token.children or [], options, env))
            elif token.type == "table_open":
                parts.append('<div class="scroll" tabindex="0" role="region" aria-label="Table"><table class="table">')
            elif token.type == "table_close":
                parts.append("</table></div>")
            else:
                parts.append(self.renderToken(tokens, index, options, env))
        return "".join(parts)

    def _code(self, group: list[Token], *, place: int) -> str:
        by_language = {_language(token): token for token in group}
        chosen = self._language if self._language in by_language else next(iter(by_language))
        tabs = [(each, LANGUAGES[each], each == chosen) for each in by_language] if _is_tab(group[0]) else []
        context = {"text": by_language[chosen].content.rstrip("\n"), "id": f"code-{place}", "tabs": tabs}
        return render_to_string("docs/code.html", context)


def _parser() -> MarkdownIt:
    """Return a parser that takes no HTML: guides have none."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _number_headings(tokens: Sequence[Token]) -> None:
    """Give each heading below the title an address."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag != "h1":
            opening.attrs["id"] = slugify(_plain(inline))


def _links(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from (child for child in token.children or [] if child.type == "link_open")


def _code_groups(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the pieces of code, those of tabs that follow each other together."""
    groups: list[list[Token]] = []
    previous: Token | None = None
    for token in tokens:
        if token.type == "fence":
            if previous is not None and previous.type == "fence" and _is_tab(token) and _is_tab(previous):
                groups[-1].append(token)
            else:
                groups.append([token])
        previous = token
    return groups


def _language(token: Token) -> str:
    return token.info.split()[0] if token.info.strip() else ""


def _is_tab(token: Token) -> bool:
    return "tab" in token.info.split()[1:]


def _plain(token: Token) -> str:
    return "".join(" " if child.type == "softbreak" else child.content for child in token.children or [])
