"""A customer, as a person: signs up, reads mail, makes keys, pays, and looks at the bill."""

import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.flows.browser import Browser
from tests.flows.client import HAIKU, Client
from tests.flows.page import Page
from tests.flows.product import Product
from tests.flows.waiting import until

PASSWORD = "quite-a-long-secret-81"
# docs.stripe.com/testing: always paid, and any later date and code will do.
GOOD_CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"}


@dataclass
class Customer:
    """One person of one organization, with a browser of their own."""

    product: Product
    name: str
    browser: Browser

    @classmethod
    def arrive(cls, product: Product) -> "Customer":
        """A person who has not signed up yet."""
        return cls(product=product, name=f"ada-{uuid.uuid4().hex[:8]}", browser=product.browser())

    @property
    def email(self) -> str:
        """Their address, and nobody else's."""
        return f"{self.name}@example.com"

    @property
    def organization(self) -> str:
        """The name of their company."""
        return f"Analytical Engines of {self.name}"

    def sign_up(self) -> Page:
        """Fill in the sign-up form. Returns the page that asks for the code."""
        return self.browser.press(
            self.browser.open("/accounts/signup/"),
            "Create account",
            email=self.email,
            password1=PASSWORD,
            organization=self.organization,
        )

    def read_code(self) -> str:
        """Read the verification code from the newest mail to this person."""
        mail = self.browser.open("/mail/").text
        _, _, newest = mail.partition(f"To {self.email}")
        assert newest, f"no mail to {self.email}"
        found = re.search(r"Your code is ([A-Z0-9-]{6,})", newest)
        assert found, newest[:500]
        return found.group(1)

    def verify(self, page: Page) -> Page:
        """Enter the code that came by mail. Returns the first page of the portal."""
        return self.browser.press(page, "Continue", code=self.read_code())

    def create_key(self, *, name: str = "Production", **fields: str) -> str:
        """Make an API key and copy it from the one page that shows it."""
        page = self.browser.press(self.browser.open("/app/keys/"), "Create key", name=name, **fields)
        found = re.search(r"rgent_[A-Za-z0-9_-]{20,}", page.text)
        assert found, page.text
        return found.group(0)

    def call_with(self, key: str) -> Client:
        """Return a client that calls with a key of theirs."""
        return self.product.client(key)

    def choose_plan(self, plan: str) -> Page:
        """Press a plan's button on the pricing page. Returns Stripe's Checkout page."""
        return self.browser.press(self.browser.open("/pricing/"), f"Subscribe to {plan}")

    def pay(self, checkout: Page) -> Page:
        """Pay with a good card and come back to the product."""
        return self.browser.press(checkout, "Subscribe", email=self.email, **GOOD_CARD)

    def pay_and_leave(self, checkout: Page) -> str:
        """Pay with a good card, and never come back. Returns where Stripe would have led."""
        return self.browser.press_and_leave(checkout, "Subscribe", email=self.email, **GOOD_CARD)

    def overview(self) -> Page:
        """Open the overview."""
        return self.browser.open("/app/")

    def billing(self) -> Page:
        """Open the billing page."""
        return self.browser.open("/app/billing/")

    def tokens(self) -> dict[str, int]:
        """Return the tokens that the overview shows of this period; nothing before the first usage is posted."""
        rows = [row for row in self.overview().rows if row[:1] == [HAIKU]]
        return {"input": _number(rows[0][2]), "output": _number(rows[0][6])} if rows else {}

    def state_of(self, request_id: str) -> str:
        """Return a request's status on the overview."""
        return self.overview().row(request_id)[-2]

    def wait_for_plan(self, plan: str, *, within_s: float = 10.0) -> Page:
        """Look at the billing page until the plan is active there."""

        def look() -> Page | None:
            page = self.billing()
            return page if f"Active {plan}" in page else None

        return until(look, within_s=within_s, why=f"{plan} did not become active")


def _number(cell: str) -> int:
    return int(cell.replace(",", ""))


def trial_customer(product: Product) -> tuple[Customer, Client]:
    """Return somebody who has signed up and verified, with a client that calls with their key."""
    customer = Customer.arrive(product)
    page = customer.verify(customer.sign_up())
    assert urlsplit(page.url).path == "/app/", page.text
    return customer, customer.call_with(customer.create_key())


def paying_customer(product: Product, *, plan: str = "Pro Haiku") -> tuple[Customer, Client]:
    """Return somebody who has subscribed, with a client that calls with their key."""
    customer, client = trial_customer(product)
    customer.pay(customer.choose_plan(plan))
    customer.wait_for_plan(plan)
    return customer, client
