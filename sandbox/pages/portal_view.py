"""A customer's account in words, for the billing portal."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.pages.templates import amount, day
from sandbox.store import Json
from sandbox.stripe_api.catalogue import prices
from sandbox.stripe_api.hosted import portal_actions
from sandbox.stripe_api.protocol.world import World

_REASONS = {
    "too_expensive": "It’s too expensive",
    "missing_features": "Some features are missing",
    "switched_service": "I found an alternative",
    "unused": "I no longer need it",
    "customer_service": "Customer service was less than expected",
    "too_complex": "Ease of use was less than expected",
    "low_quality": "Quality was less than expected",
    "other": "Other reason",
}
MAX_INVOICES = 24


@dataclass(frozen=True)
class SubscriptionView:
    """One subscription: its name, its cost, and its next date."""

    id: str
    name: str
    price: str
    prices: tuple[str, ...]
    status: str
    outlook: str
    ends_on: str
    card: str
    can_cancel: bool
    can_keep: bool


@dataclass(frozen=True)
class CardView:
    """One card, and the actions it allows."""

    id: str
    name: str
    expires: str
    is_default: bool
    can_remove: bool


@dataclass(frozen=True)
class InvoiceRow:
    """One line of the billing history."""

    issued_on: str
    amount: str
    status: str
    number: str
    url: str


@dataclass(frozen=True)
class Account:
    """All that the portal's first page shows."""

    seller_headline: str
    links: tuple[tuple[str, str], ...]
    return_url: str | None
    subscriptions: tuple[SubscriptionView, ...]
    cards: tuple[CardView, ...]
    details: tuple[tuple[str, str], ...]
    invoices: tuple[InvoiceRow, ...]
    shows_cards: bool
    shows_details: bool
    shows_invoices: bool


def account(world: World, session: Json) -> Account:
    """Describe the account of the session's customer, as far as its configuration shows it."""
    offered = portal_actions.features(world, session)
    profile = world.get("billing_portal.configuration", session["configuration"])["business_profile"]
    links = (("Terms", profile["terms_of_service_url"]), ("Privacy", profile["privacy_policy_url"]))
    return Account(
        seller_headline=profile["headline"] or "Manage your subscription and billing",
        links=tuple((label, url) for label, url in links if url),
        return_url=session["return_url"],
        subscriptions=tuple(
            subscription(world, session, doc) for doc in portal_actions.subscriptions_of(world, session)
        ),
        cards=tuple(_cards(world, session)),
        details=tuple(_details(world.get("customer", session["customer"]))),
        invoices=tuple(_invoices(world, session)),
        shows_cards=offered["payment_method_update"]["enabled"],
        shows_details=offered["customer_update"]["enabled"] and bool(offered["customer_update"]["allowed_updates"]),
        shows_invoices=offered["invoice_history"]["enabled"],
    )


def subscription(world: World, session: Json, doc: Json) -> SubscriptionView:
    """Describe a rendered subscription in words."""
    cancels = portal_actions.features(world, session)["subscription_cancel"]["enabled"]
    listed = [item["price"] for item in doc["items"]["data"]]
    ends_at = max(item["current_period_end"] for item in doc["items"]["data"])
    method = doc["default_payment_method"] or portal_actions.default_card(world, session)
    names = dict.fromkeys(world.get("product", price["product"])["name"] for price in listed)
    return SubscriptionView(
        id=doc["id"],
        name=", ".join(names),
        price=_base_price(listed),
        prices=tuple(_price(price) for price in listed if prices.is_metered(price)),
        status=doc["status"].replace("_", " "),
        outlook=_outlook(doc, ends_at),
        ends_on=day(ends_at),
        card=_card_name(world.get("payment_method", method)) if method else "",
        can_cancel=cancels and not doc["cancel_at"],
        can_keep=cancels and bool(doc["cancel_at"]),
    )


def reasons(world: World, session: Json) -> list[tuple[str, str]]:
    """Return the reasons for leaving that the configuration offers: value and words."""
    asked = portal_actions.features(world, session)["subscription_cancel"]["cancellation_reason"]
    return [(name, _REASONS[name]) for name in asked["options"]] if asked["enabled"] else []


def _base_price(listed: list[Json]) -> str:
    licensed = [price for price in listed if not prices.is_metered(price)]
    if not licensed:
        return "By use"
    total = sum(prices.unit_amount(price) for price in licensed)
    usage = " + usage" if len(licensed) < len(listed) else ""
    return f"{amount(str(total), licensed[0]['currency'])} per {licensed[0]['recurring']['interval']}{usage}"


def _price(price: Json) -> str:
    name = price["nickname"] or price["lookup_key"] or "Usage"
    return f"{name}: {amount(str(prices.unit_amount(price)), price['currency'])} each"


def _outlook(doc: Json, ends_at: int) -> str:
    if doc["cancel_at"]:
        return f"Your subscription ends on {day(doc['cancel_at'])}."
    if doc["status"] == "trialing":
        return f"Your free trial ends on {day(doc['trial_end'])}."
    if doc["status"] in ("past_due", "unpaid"):
        return "Your last payment failed. Pay the open invoice below, or choose another card."
    return f"Your next billing date is {day(ends_at)}."


def _cards(world: World, session: Json) -> list[CardView]:
    default = portal_actions.default_card(world, session)
    needed = bool(portal_actions.subscriptions_of(world, session))
    return [
        CardView(
            id=method["id"],
            name=_card_name(method),
            expires=f"{method['card']['exp_month']:02d} / {method['card']['exp_year']}",
            is_default=method["id"] == default,
            can_remove=not (needed and method["id"] == default),
        )
        for method in world.find("payment_method", customer=session["customer"])
    ]


def _card_name(method: Json) -> str:
    return f"{method['card']['brand'].capitalize()} •••• {method['card']['last4']}"


def _details(customer: Json) -> list[tuple[str, str]]:
    address = customer["address"] or {}
    parts = [address.get(part) for part in ("line1", "line2", "postal_code", "city", "state", "country")]
    rows = [
        ("Name", customer["name"]),
        ("Email", customer["email"]),
        ("Phone", customer["phone"]),
        ("Billing address", ", ".join(part for part in parts if part)),
    ]
    return [(label, value) for label, value in rows if value]


def _invoices(world: World, session: Json) -> list[InvoiceRow]:
    found = world.find("invoice", customer=session["customer"])
    final = [invoice for invoice in found if invoice["status"] != "draft"]
    return [
        InvoiceRow(
            issued_on=day(invoice["effective_at"]),
            amount=amount(invoice["total"], invoice["currency"]),
            status=invoice["status"],
            number=invoice["number"] or "",
            url=f"/invoice/{invoice['id']}",
        )
        for invoice in final[:MAX_INVOICES]
    ]
