"""The sandbox's one account: the operator's own."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import Forbidden
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import ACCOUNT_ID, World

COUNTRY = "US"
NAME = "Sandbox"
_OPENED_AT = 1_704_067_200


@endpoint("GET", "/v1/account", "AccountRetrieveCurrentParams")
def retrieve_current(world: World, params: Params) -> Json:
    """Return the account of the API key."""
    return _account()


@endpoint("GET", "/v1/accounts", "AccountListParams", LISTING)
def list_connected(world: World, params: Params) -> Json:
    """List the accounts connected to this one: none."""
    return lists.empty("/v1/accounts")


@endpoint("GET", "/v1/accounts/{account}", "AccountRetrieveParams")
def retrieve(world: World, params: Params, account: str) -> Json:
    """Return the account by its id. Raises Forbidden for any other."""
    if account != ACCOUNT_ID:
        raise Forbidden(
            f"The provided key does not have access to account '{account}' (or that account does not exist).",
            code="account_invalid",
        )
    return _account()


def _account() -> Json:
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "5734",
            "minority_owned_business_designation": None,
            "name": NAME,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": COUNTRY,
        "created": _OPENED_AT,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@sandbox.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {"statement_descriptor_prefix": None},
            "dashboard": {"display_name": NAME, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "SANDBOX",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        "type": "standard",
    }
