"""The search of the documentation: an index of all parts of guides and of all operations, built once in a process."""

import re
from dataclasses import dataclass
from functools import cache

from django.urls import reverse

from rgent.documentation.guides import all_guides
from rgent.documentation.reference import resources

MOST_RESULTS = 20
MOST_WORDS = 8
EXCERPT_CHARS = 200
WORD = re.compile(r"[\w.-]+")
# A word in a heading says more than one in a text.
HEADING_WORTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A part of a page that can be found."""

    page: str
    heading: str
    address: str
    text: str

    def worth(self, words: list[str]) -> int:
        """Return how well it fits: 0 unless every word is in it."""
        heading, text = f"{self.page} {self.heading}".lower(), self.text.lower()
        counts = [heading.count(word) * HEADING_WORTH + text.count(word) for word in words]
        return sum(counts) if all(counts) else 0

    def excerpt(self, words: list[str]) -> str:
        """Return the text around the first word that is in it."""
        text = " ".join(self.text.split())
        places = [place for word in words if (place := text.lower().find(word)) >= 0]
        start = max(min(places, default=0) - EXCERPT_CHARS // 3, 0)
        start = text.find(" ", start) + 1 if start else 0  # no word is cut
        shown = text[start : start + EXCERPT_CHARS]
        return f"{'… ' if start else ''}{shown}{' …' if len(text) > start + EXCERPT_CHARS else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A part that fits, with the text around the words."""

    entry: Entry
    excerpt: str


def found(query: str) -> list[Result]:
    """Return the parts that have every word of a query, the best first."""
    words = [word.lower() for word in WORD.findall(query)][:MOST_WORDS]
    if not words:
        return []
    by_worth = sorted(((entry.worth(words), entry) for entry in index()), key=lambda pair: -pair[0])
    return [Result(entry=entry, excerpt=entry.excerpt(words)) for worth, entry in by_worth[:MOST_RESULTS] if worth]


@cache
def index() -> tuple[Entry, ...]:
    """Return all that can be found."""
    return (*_guides(), *_operations())


def _guides() -> list[Entry]:
    return [
        Entry(
            page=guide.title,
            heading=section.heading,
            address=reverse("docs_page", args=[guide.slug]) + (f"#{section.anchor}" if section.anchor else ""),
            text=section.text,
        )
        for guide in all_guides()
        for section in guide.sections()
    ]


def _operations() -> list[Entry]:
    return [
        Entry(
            page=f"API: {resource.title}",
            heading=operation.summary,
            address=f"{reverse('docs_resource', args=[resource.slug])}#{operation.id}",
            text=" ".join(
                [
                    f"{operation.method} {operation.path}",
                    *operation.paragraphs,
                    *(f"{field.path} {field.description}" for field in (*operation.parameters, *operation.body)),
                ]
            ),
        )
        for resource in resources()
        for operation in resource.operations
    ]
