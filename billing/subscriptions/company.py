"""The details of a company on its invoices: its address, its tax id, and the number of its purchase order.

They are kept at Stripe, which prints them on invoices and works out tax by them; pages read dj-stripe's copy.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from billing.credits.terms import mark_stale
from billing.models import BillingAccount
from billing.stripe_billing import company as stripe_company
from billing.stripe_billing.client import StripeRejected
from billing.stripe_copies import copies_of
from billing.subscriptions.customer import customer_of

ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company's details, empty where unknown. `country` is two letters; `tax_id_type` is Stripe's, as `eu_vat`."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    tax_id_type: str = ""
    tax_id: str = ""
    purchase_order: str = ""

    @property
    def address(self) -> dict[str, str]:
        """The address as Stripe takes it."""
        return {name: getattr(self, name) for name in ADDRESS}


class AddressNeeded(Exception):
    """Tax is to be worked out, and nobody knows the company's place. The message says where to enter it."""


@contextmanager
def asking_for_the_address() -> Iterator[None]:
    """Raise AddressNeeded where Stripe refuses since it does not know the customer's place."""
    try:
        yield
    except StripeRejected as error:
        if not stripe_company.lacks_place(error):
            raise
        page = f"{settings.PUBLIC_URL}/app/billing/company"
        raise AddressNeeded(f"Tax is worked out by your company's address. Enter it first, at {page}.") from error


def company_of(account: BillingAccount) -> Company:
    """Return the details of an account's company, as Stripe last told them."""
    if not account.stripe_customer_id:
        return Company()
    copies = copies_of(account)
    stored, tax_id = copies.customer, copies.tax_id
    address = stored.get("address") or {}
    return Company(
        **{name: address.get(name) or "" for name in ADDRESS},
        tax_id_type=tax_id.get("type", ""),
        tax_id=tax_id.get("value", ""),
        purchase_order=_purchase_order(stored),
    )


def change_company(account: BillingAccount, company: Company) -> None:
    """Change the details at Stripe, where they hold from the next invoice on.

    Raises StripeUnavailable, StripeRejected: with the code `tax_id_invalid` the rest is changed.
    """
    customer_id = customer_of(account)
    stripe_company.change_details(
        customer_id=customer_id, address=company.address, purchase_order=company.purchase_order
    )
    mark_stale(organization_id=account.organization_id)
    stripe_company.change_tax_id(customer_id=customer_id, kind=company.tax_id_type, value=company.tax_id)


def _purchase_order(stored: Mapping[str, Any]) -> str:
    found = (stored.get("invoice_settings") or {}).get("custom_fields") or []
    return next((str(each["value"]) for each in found if each["name"] == stripe_company.PURCHASE_ORDER), "")
