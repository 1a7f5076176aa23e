"""Filling in the card form as a person does, by the labels of its fields."""

from __future__ import annotations

from playwright.sync_api import Page

GOOD = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
DECLINED_WHEN_CHARGED = "4000 0000 0000 0341"
ASKS_THE_BANK = "4000 0025 0000 3155"


def type_card(page: Page, number: str, *, email: str = "buyer@example.com") -> None:
    """Fill in all fields of the card form."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("12 / 40")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Cardholder name").fill("B. Buyer")


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def alert(page: Page) -> str:
    """Return the page's error message."""
    return page.get_by_role("alert").inner_text()
