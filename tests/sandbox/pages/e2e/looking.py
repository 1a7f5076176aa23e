"""Checks in a browser of how a page looks, and whether everybody can use it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# The contrast of every visible text with what is behind it (https://www.w3.org/TR/WCAG21/#contrast-minimum): 4.5, or 3
# for large letters. Behind it is the nearest ancestor's background that is not transparent.
_PALE_TEXTS = """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest(".hidden, .skip")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(style.color)), light(behind(element))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5)) found.push(`${node.data.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""

_NAMELESS_CONTROLS = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a")]
  .filter(e => !(e.labels?.length && e.labels[0].textContent.trim()) && !e.getAttribute("aria-label")
    && !e.textContent.trim())
  .map(e => e.outerHTML.slice(0, 80))"""

_TOO_WIDE = "() => Math.max(0, document.documentElement.scrollWidth - innerWidth)"


def faults(page: Page) -> list[str]:
    """The accessibility faults of the open page."""
    found = [f"pale: {text}" for text in _list(page, _PALE_TEXTS)]
    found += [f"nameless: {control}" for control in _list(page, _NAMELESS_CONTROLS)]
    if too_wide := page.evaluate(_TOO_WIDE):
        found.append(f"too wide by {too_wide} px")
    if (headings := page.locator("h1").count()) != 1:
        found.append(f"{headings} first headings")
    if page.locator("main").count() != 1:
        found.append("no main part")
    return found


def _list(page: Page, script: str) -> list[str]:
    found: Any = page.evaluate(script)
    return list(found)
