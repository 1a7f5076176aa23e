"""Reading the sandbox's pages over HTTP: their text, links and forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from tests.sandbox.running import Answer, http_call


@dataclass
class Page:
    """One page: its status, visible text, links and the addresses of its forms."""

    url: str
    status: int
    html: str
    text: str = ""
    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self._page.links.append(urljoin(self._page.url, given["href"]))
        if tag == "form" and given.get("method") == "post":
            self._page.actions.append(str(given["action"]))
        if address := given.get("src") or (tag == "link" and given.get("href")):
            self._page.assets.append(urljoin(self._page.url, address))

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def close(self) -> None:
        super().close()
        self._page.text = " ".join(" ".join(self._words).split())


def read(url: str) -> Page:
    """Open a page as a browser does."""
    return parsed(url, http_call("GET", url, headers={"Accept": "text/html"}))


def parsed(url: str, answer: Answer) -> Page:
    """An answer as a page."""
    page = Page(url, answer.status, answer.body.decode())
    reader = _Reader(page)
    reader.feed(page.html)
    reader.close()
    return page


def send(url: str, **fields: str) -> Answer:
    """Send a form, as a browser does, without following its redirect."""
    return http_call("POST", url, form=fields, headers={"Sec-Fetch-Site": "same-origin"})


def crawl(start: str, *, below: str = "") -> list[Page]:
    """Every page of the same host that links lead to from `start`, whose path begins with `below`; JSON and PDF are not
    pages.
    """
    seen, waiting, pages = {start}, [start], []
    while waiting:
        url = waiting.pop()
        answer = http_call("GET", url, headers={"Accept": "text/html"})
        if answer.status == 303:
            answer_pages = [urljoin(url, answer.headers["location"])]
        elif answer.headers["content-type"].startswith("text/html"):
            pages.append(parsed(url, answer))
            answer_pages = pages[-1].links
        else:
            assert answer.status == 200, url
            continue
        for link in answer_pages:
            parts = urlsplit(link)
            plain = parts._replace(fragment="").geturl()
            if plain not in seen and parts.netloc == urlsplit(start).netloc and parts.path.startswith(below):
                seen.add(plain)
                waiting.append(plain)
    return pages
