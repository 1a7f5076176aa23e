"""The guides, in the order of the contents, and the values that they are filled with."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from billing.plans.price_lists import models_sold
from rgent.documentation.markdown import Section, filled, html_of, sections_of

FOLDER = Path(__file__).parent / "guides"
ORDER = (
    "quick-start",
    "streaming",
    "tool-use",
    "caching",
    "errors",
    "limits",
    "caps",
    "idempotency",
    "openai",
    "usage-and-billing",
    "webhooks",
    "check-a-bill",
)
ABORT_POLICY = {
    "cancel": "All other streams are stopped at once.",
    "drain": "Here every stream is read to its end, and all of it is billed.",
}
PAGES = ("keys", "requests", "pricing", "usage", "billing", "webhooks")


class NoSuchGuide(Exception):
    """There is no guide of this name."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide as it is written."""

    slug: str
    title: str
    source: str

    def html(self, *, language: str) -> str:
        """Return its HTML, without its title, filled for this site."""
        body = self.source.partition("\n")[2]
        return html_of(filled(body, values()), language=language, root=reverse("docs"))

    def sections(self) -> list[Section]:
        """Return its parts as plain text."""
        return sections_of(filled(self.source, values()))


@cache
def all_guides() -> tuple[Guide, ...]:
    """Return every guide, in order."""
    sources = ((slug, (FOLDER / f"{slug}.md").read_text()) for slug in ORDER)
    return tuple(Guide(slug, source.partition("\n")[0].removeprefix("# "), source) for slug, source in sources)


def guide(slug: str) -> Guide:
    """Return a guide. Raises NoSuchGuide."""
    for each in all_guides():
        if each.slug == slug:
            return each
    raise NoSuchGuide(slug)


def values() -> dict[str, str]:
    """Return what guides are filled with: addresses of this site, a model on sale, and what its settings do."""
    local = " In the sandbox mode `http://127.0.0.1` and `http://localhost` work too." if settings.SANDBOX else ""
    return {
        **{name: reverse(name) for name in PAGES},
        "base_url": settings.PUBLIC_URL,
        "model": next(iter(models_sold()), "claude-haiku-5-5"),
        "abort_policy": ABORT_POLICY[settings.STREAM_ABORT_POLICY],
        "trial_tools": " and on the free trial" if settings.TRIAL_SERVER_TOOLS else "",
        "side_calls": f"{settings.SIDE_CALLS_PER_MINUTE:,}",
        "webhook_addresses": f"Addresses of private networks are refused, whatever a name leads to.{local}",
    }
