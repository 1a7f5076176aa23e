"""Charges and balance transactions, to read; `payments.py` makes them."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.expand import includable
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World


@endpoint("GET", "/v1/charges/{charge}", "ChargeRetrieveParams")
def retrieve(world: World, params: Params, charge: str) -> Json:
    return world.get("charge", charge)


@endpoint("GET", "/v1/charges", "ChargeListParams", f"{LISTING} created customer payment_intent")
def list_all(world: World, params: Params) -> Json:
    filters = {name: params.get(name) for name in ("created", "customer", "payment_intent")}
    return lists.listing(world, "charge", params, url="/v1/charges", filters=filters)


@endpoint("GET", "/v1/balance_transactions/{transaction}", "BalanceTransactionRetrieveParams")
def retrieve_transaction(world: World, params: Params, transaction: str) -> Json:
    return world.get("balance_transaction", transaction)


@endpoint("GET", "/v1/balance_transactions", "BalanceTransactionListParams", f"{LISTING} created currency source type")
def list_transactions(world: World, params: Params) -> Json:
    filters = {name: params.get(name) for name in ("created", "currency", "source", "type")}
    return lists.listing(world, "balance_transaction", params, url="/v1/balance_transactions", filters=filters)


@includable("charge", "refunds")
def _refunds(world: World, charge: Json) -> Json:
    return lists.sublist([], url=f"/v1/charges/{charge['id']}/refunds")
