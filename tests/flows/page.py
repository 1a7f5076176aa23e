"""A web page as its reader sees it: text, tables, links and forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSEEN = {"script", "style", "title"}
INLINE = {"a", "abbr", "b", "code", "em", "i", "kbd", "small", "span", "strong", "time"}
TYPED = {"text", "email", "password", "hidden", "number", "tel", "url", "search", "date"}


@dataclass
class Form:
    """A form: where it goes, the fields it sends as they stand, and the texts of its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Link:
    """A link's text and where it leads."""

    text: str
    href: str


class Reader(HTMLParser):
    """Reads a page once, from its beginning to its end."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.forms: list[Form] = []
        self.links: list[Link] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._by_id: dict[str, Form] = {}
        self._button: tuple[Form, str, str] | None = None
        self._heard: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opening tag."""
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if tag not in INLINE:
            self.handle_data(" ")
        begin = getattr(self, f"_begin_{tag}", None)
        if begin:
            begin(given)

    def handle_endtag(self, tag: str) -> None:
        """Note a closing tag."""
        if tag not in INLINE:
            self.handle_data(" ")
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        end = getattr(self, f"_end_{tag}", None)
        if end:
            end()

    def handle_data(self, data: str) -> None:
        """Take in a piece of text."""
        if UNSEEN.intersection(self._open):
            return
        self.words.append(data)
        for heard in self._heard.values():
            heard.append(data)

    def _text_since(self, tag: str) -> str:
        return " ".join("".join(self._heard.pop(tag, [])).split())

    def _begin_form(self, given: dict[str, str]) -> None:
        self._form = Form(action=given.get("action", ""), method=given.get("method", "get").lower())
        self.forms.append(self._form)
        if "id" in given:
            self._by_id[given["id"]] = self._form

    def _end_form(self) -> None:
        self._form = None

    def _begin_input(self, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text"), given.get("name", "")
        if self._form is None or not name:
            return
        if kind in TYPED or (kind in {"radio", "checkbox"} and "checked" in given):
            self._form.fields[name] = given.get("value", "")

    def _begin_textarea(self, given: dict[str, str]) -> None:
        if self._form is not None and given.get("name"):
            self._form.fields[given["name"]] = ""

    def _begin_select(self, given: dict[str, str]) -> None:
        self._select = given.get("name", "")

    def _begin_option(self, given: dict[str, str]) -> None:
        if self._form is not None and self._select and ("selected" in given or self._select not in self._form.fields):
            self._form.fields[self._select] = given.get("value", "")

    def _begin_button(self, given: dict[str, str]) -> None:
        form = self._by_id.get(given["form"]) if "form" in given else self._form
        if form is not None and given.get("type", "submit") == "submit":
            self._button = (form, given.get("name", ""), given.get("value", ""))
        self._heard["button"] = []

    def _end_button(self) -> None:
        text = self._text_since("button")
        if self._button is not None:
            form, name, value = self._button
            form.buttons[text] = (name, value)
            self._button = None

    def _begin_a(self, given: dict[str, str]) -> None:
        self.links.append(Link(text="", href=given.get("href", "")))
        self._heard["a"] = []

    def _end_a(self) -> None:
        self.links[-1].text = self._text_since("a")

    def _begin_tr(self, given: dict[str, str]) -> None:
        self.rows.append([])

    def _begin_cell(self, given: dict[str, str]) -> None:
        self._heard["cell"] = []

    def _end_cell(self) -> None:
        self.rows[-1].append(self._text_since("cell"))

    _begin_td = _begin_th = _begin_cell
    _end_td = _end_th = _end_cell


class Page:
    """A page that was read."""

    def __init__(self, *, url: str, status: int, html: str) -> None:
        self.url, self.status, self.html = url, status, html
        reader = Reader(html)
        self.text = " ".join("".join(reader.words).split())
        self.forms, self.links, self.rows = reader.forms, reader.links, reader.rows

    def __repr__(self) -> str:
        return f"<{self.status} {self.url}: {self.text}>"

    def row(self, name: str) -> list[str]:
        """Return the cells of the one table row that begins with `name`."""
        found = [row for row in self.rows if row and row[0].startswith(name)]
        assert len(found) == 1, f"{len(found)} rows begin with {name!r} on {self.url}: {self.rows}"
        return found[0]

    def form_with(self, button: str) -> Form:
        """Return the first form that has this button."""
        found = [form for form in self.forms if button in form.buttons]
        assert found, f"no button {button!r} on {self.url} ({self.status}): {self.text[:500]}"
        return found[0]

    def link(self, text: str) -> str:
        """Return where the first link of this text leads."""
        found = [link.href for link in self.links if link.text == text]
        assert found, f"no link {text!r} on {self.url}: {[link.text for link in self.links]}"
        return found[0]

    def __contains__(self, text: Any) -> bool:
        return text in self.text
