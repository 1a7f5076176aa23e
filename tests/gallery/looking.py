"""Checks of the open page that a person would make with their eyes."""

from playwright.sync_api import Page

# Text whose box hides a part of it. What is for screen readers alone is a pixel wide.
CUT_OFF = """() => [...document.querySelectorAll("body *")].filter(e => {
    const style = getComputedStyle(e);
    return e.checkVisibility({visibilityProperty: true}) && e.clientWidth > 1 && e.clientHeight > 1
      && e.innerText?.trim() && !["SELECT", "IFRAME"].includes(e.tagName)
      && ["hidden", "clip"].includes(style.overflowX) && e.scrollWidth > e.clientWidth + 1;
  }).map(e => `cut off: ${e.innerText.trim().slice(0, 60)}`)"""
# The page itself, and boxes within it; code may scroll, since breaking its lines would change it.
SIDEWAYS = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const boxes = [...document.querySelectorAll("body *")].filter(e => e.checkVisibility()
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1
    && !e.closest("pre") && !e.querySelector("pre") && !["TEXTAREA", "SELECT", "NAV"].includes(e.tagName));
  return [...(wide > 0 ? [`${wide} px wider than the screen`] : []),
    ...boxes.map(e => `scrolls sideways: ${e.className || e.tagName} ${e.innerText.trim().slice(0, 40)}`)];
}"""


def cut_off(page: Page) -> list[str]:
    """Return the texts of which a part is hidden."""
    return list(page.evaluate(CUT_OFF))


def sideways(page: Page, *, boxes: bool = True) -> list[str]:
    """Return what has to be scrolled sideways: the page, and with `boxes` the boxes within it."""
    found = list(page.evaluate(SIDEWAYS))
    return [told for told in found if boxes or not told.startswith("scrolls")]
