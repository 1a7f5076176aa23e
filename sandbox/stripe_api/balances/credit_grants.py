"""Credit grants (https://docs.stripe.com/api/billing/credit-grant), and the balance of a customer's credits."""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.balances import credits
from sandbox.stripe_api.protocol import fields, ids, lists
from sandbox.stripe_api.protocol.endpoint import LISTING, endpoint
from sandbox.stripe_api.protocol.errors import InvalidRequest
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.timeline import due
from sandbox.stripe_api.protocol.world import World

EXPIRE = "credit_grant.expire"
MAX_UNUSED = 100
_KIND = "billing.credit_grant"
_PATH = "/v1/billing/credit_grants"
_CREATE = "amount applicability_config category customer effective_at expires_at metadata name priority"


@endpoint("POST", _PATH, "billing.CreditGrantCreateParams", _CREATE)
def create(world: World, params: Params) -> Json:
    """Give a customer credits for metered usage. Raises InvalidRequest above 100 grants that are not used up."""
    fields.customer(world, params)
    _check(world, params)
    unused = [grant for grant in world.find(_KIND, customer=params["customer"]) if credits.remaining(world, grant) > 0]
    if len(unused) >= MAX_UNUSED:
        raise InvalidRequest(f"A customer can have at most {MAX_UNUSED} unused credit grants.")
    grant = world.add(_grant(world, params), event="billing.credit_grant.created")
    credits.book(world, grant, amount=grant["amount"]["monetary"]["value"], reason="credits_granted")
    _plan_expiry(world, grant)
    return grant


@endpoint("GET", f"{_PATH}/{{grant}}", "billing.CreditGrantRetrieveParams")
def retrieve(world: World, params: Params, grant: str) -> Json:
    """Return one grant."""
    return world.get(_KIND, grant)


@endpoint("POST", f"{_PATH}/{{grant}}", "billing.CreditGrantUpdateParams", "expires_at metadata")
def update(world: World, params: Params, grant: str) -> Json:
    """Change a grant's expiry or metadata."""
    doc = world.get(_KIND, grant)
    changes = fields.given(params, "expires_at")
    if changes.get("expires_at") is not None and changes["expires_at"] <= world.now:
        raise InvalidRequest("`expires_at` must be in the future.", param="expires_at")
    changes |= fields.changed_metadata(params, doc)
    world.change(doc, event="billing.credit_grant.updated", updated=world.now, **changes)
    _plan_expiry(world, doc)
    return doc


@endpoint("GET", _PATH, "billing.CreditGrantListParams", f"{LISTING} customer")
def list_all(world: World, params: Params) -> Json:
    """List grants, newest first."""
    return lists.listing(world, _KIND, params, url=_PATH, filters={"customer": params.get("customer")})


@endpoint("POST", f"{_PATH}/{{grant}}/expire", "billing.CreditGrantExpireParams")
def expire(world: World, params: Params, grant: str) -> Json:
    """End a grant now; its rest is lost."""
    doc = world.get(_KIND, grant)
    _check_running(world, doc)
    _close(world, doc, reason="credits_expired")
    return world.change(doc, event="billing.credit_grant.updated", expires_at=world.now, updated=world.now)


@endpoint("POST", f"{_PATH}/{{grant}}/void", "billing.CreditGrantVoidGrantParams")
def void(world: World, params: Params, grant: str) -> Json:
    """Take back a grant of which nothing is used."""
    doc = world.get(_KIND, grant)
    _check_running(world, doc)
    if credits.remaining(world, doc) < doc["amount"]["monetary"]["value"]:
        raise InvalidRequest("Only credit grants that are not used yet can be voided. Expire this one instead.")
    _close(world, doc, reason="credits_voided")
    return world.change(doc, event="billing.credit_grant.updated", voided_at=world.now, updated=world.now)


@endpoint(
    "GET",
    "/v1/billing/credit_balance_summary",
    "billing.CreditBalanceSummaryRetrieveParams",
    "customer filter.type filter.applicability_scope.price_type filter.credit_grant",
)
def summarize(world: World, params: Params) -> Json:
    """Return the credits a customer may spend now, by currency: of all grants, or of one."""
    fields.customer(world, params)
    only = params["filter"].get("credit_grant")
    found = world.find(_KIND, customer=params["customer"])
    currencies = sorted({grant["amount"]["monetary"]["currency"] for grant in found})
    balances = []
    for currency in currencies:
        grants = credits.usable(world, params["customer"], currency)
        value = sum(credits.remaining(world, grant) for grant in grants if only in (None, grant["id"]))
        amount = {"monetary": {"currency": currency, "value": value}, "type": "monetary"}
        balances.append({"available_balance": amount, "ledger_balance": amount})
    return {
        "object": "billing.credit_balance_summary",
        "balances": balances,
        "customer": params["customer"],
        "customer_account": None,
        "livemode": False,
    }


@endpoint(
    "GET", "/v1/billing/credit_balance_transactions/{transaction}", "billing.CreditBalanceTransactionRetrieveParams"
)
def retrieve_transaction(world: World, params: Params, transaction: str) -> Json:
    """Return one entry of the credit ledger."""
    return world.get(credits.KIND, transaction)


@endpoint(
    "GET",
    "/v1/billing/credit_balance_transactions",
    "billing.CreditBalanceTransactionListParams",
    f"{LISTING} credit_grant customer",
)
def list_transactions(world: World, params: Params) -> Json:
    """List the entries of the credit ledger, newest first."""
    filters = {"_customer": params.get("customer"), "credit_grant": params.get("credit_grant")}
    return lists.listing(world, credits.KIND, params, url="/v1/billing/credit_balance_transactions", filters=filters)


@due(EXPIRE)
def expire_due(world: World, grant_id: str) -> None:
    """End a grant at its expiry."""
    grant = world.get(_KIND, grant_id)
    if grant["voided_at"] is None:
        _close(world, grant, reason="credits_expired")


def _plan_expiry(world: World, grant: Json) -> None:
    if grant["expires_at"]:
        world.schedule(EXPIRE, grant["id"], due_at=grant["expires_at"])
    else:
        world.store.unschedule(EXPIRE, grant["id"])


def _close(world: World, grant: Json, *, reason: str) -> None:
    world.store.unschedule(EXPIRE, grant["id"])
    if rest := credits.remaining(world, grant):
        credits.book(world, grant, amount=-rest, reason=reason)


def _check_running(world: World, grant: Json) -> None:
    if grant["voided_at"] or (grant["expires_at"] and grant["expires_at"] <= world.now):
        raise InvalidRequest("This credit grant is over already.")


def _check(world: World, params: Params) -> None:
    monetary = params["amount"].get("monetary")
    if monetary is None or monetary["value"] <= 0:
        raise InvalidRequest("A credit grant has an amount above 0.", param="amount[monetary][value]")
    fields.currency(monetary["currency"], param="amount[monetary][currency]")
    scope = params["applicability_config"]["scope"]
    if ("price_type" in scope) == ("prices" in scope):
        raise InvalidRequest("Give either `price_type` or `prices`.", param="applicability_config[scope]")
    for price in scope.get("prices", []):
        world.get("price", price["id"], param="applicability_config[scope][prices]")
    if not 0 <= params.get("priority", 50) <= 100:
        raise InvalidRequest("Priorities go from 0 to 100.", param="priority")
    if "expires_at" in params and params["expires_at"] <= max(world.now, params.get("effective_at", 0)):
        raise InvalidRequest("`expires_at` must be later than now and than `effective_at`.", param="expires_at")


def _grant(world: World, params: Params) -> Json:
    monetary = params["amount"]["monetary"]
    amount = {"monetary": {**monetary, "currency": monetary["currency"].lower()}, "type": "monetary"}
    return {
        "id": ids.new("credgr_test", length=32),
        "object": _KIND,
        "amount": amount,
        "applicability_config": {
            "scope": {"price_type": None, "prices": None, **params["applicability_config"]["scope"]}
        },
        "category": params.get("category", "paid"),
        "created": world.now,
        "customer": params["customer"],
        "customer_account": None,
        "effective_at": params.get("effective_at", world.now),
        "expires_at": params.get("expires_at"),
        "livemode": False,
        "metadata": fields.metadata(params.get("metadata")),
        "name": params.get("name"),
        "priority": params.get("priority", 50),
        "test_clock": None,
        "updated": world.now,
        "voided_at": None,
    }
