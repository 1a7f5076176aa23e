"""Screenshots for people to look at."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

PHONE = ViewportSize(width=390, height=844)


@dataclass
class Album:
    """The screenshots of one test, in the order in which they were taken."""

    folder: Path
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def keep(self, page: Page, name: str) -> None:
        """Keep the whole page as it stands."""
        page.screenshot(path=self.folder / f"{next(self._numbers):02}-{name}.png", full_page=True)

    def keep_small_and_dark(self, page: Page, name: str) -> None:
        """Keep the page as a phone shows it, and as it looks at night."""
        before = page.viewport_size
        page.set_viewport_size(PHONE)
        self.keep(page, f"{name}-phone")
        page.set_viewport_size(before or PHONE)
        page.emulate_media(color_scheme="dark")
        self.keep(page, f"{name}-dark")
        page.emulate_media(color_scheme="light")
