"""Billing credits at Stripe: granted, ended, and what is left of them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors

# The metadata by which a grant of ours is known again.
IDENTIFIER = "rgent_credit_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGrant:
    """A grant as Stripe tells it, in cents. `identifier` is empty where it was not made here.

    `left_minor` is what may still be spent: nothing of one that is over or was taken back.
    """

    stripe_id: str
    identifier: str
    name: str
    amount_minor: int
    left_minor: int
    currency: str
    for_all_usage: bool
    begun: bool
    expires_at: datetime | None
    created_at: datetime


def create_grant(
    *, customer_id: str, identifier: str, name: str, amount_minor: int, currency: str, expires_at: datetime | None
) -> str:
    """Grant a customer credits for metered usage; return the grant's id.

    The identifier is the idempotency key, which Stripe keeps for a day. Raises StripeUnavailable, StripeRejected.
    """
    params: Any = {
        "customer": customer_id,
        "name": name,
        "amount": {"type": "monetary", "monetary": {"currency": currency, "value": amount_minor}},
        "applicability_config": {"scope": {"price_type": "metered"}},
        "category": "promotional",
        "metadata": {IDENTIFIER: identifier},
    }
    if expires_at is not None:
        params["expires_at"] = int(expires_at.timestamp())
    with translate_stripe_errors():
        return client().v1.billing.credit_grants.create(params, {"idempotency_key": identifier}).id


def end_grant(*, stripe_id: str) -> None:
    """End a grant now; what is left of it is lost. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        client().v1.billing.credit_grants.expire(stripe_id)


def grants_of(*, customer_id: str, now: datetime) -> list[ToldGrant]:
    """Return a customer's grants, newest first. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        api = client().v1.billing
        grants = [each.to_dict() for each in api.credit_grants.list({"customer": customer_id}).auto_paging_iter()]
        if not grants:
            return []
        entries = api.credit_balance_transactions.list({"customer": customer_id, "limit": 100}).auto_paging_iter()
        left: dict[str, int] = defaultdict(int)
        for entry in (each.to_dict() for each in entries):
            left[_id_of(entry["credit_grant"])] += _signed(entry)
    return [_told(grant, left=left[grant["id"]], now=now) for grant in grants if grant["amount"]["monetary"]]


def _signed(entry: Mapping[str, Any]) -> int:
    side = entry["credit"] or entry["debit"]
    value = int(side["amount"]["monetary"]["value"])
    return value if entry["credit"] else -value


def _id_of(found: Any) -> str:
    return found if isinstance(found, str) else str(found["id"])


def _told(grant: Mapping[str, Any], *, left: int, now: datetime) -> ToldGrant:
    monetary = grant["amount"]["monetary"]
    expires_at = datetime.fromtimestamp(grant["expires_at"], tz=UTC) if grant["expires_at"] else None
    over = bool(grant["voided_at"]) or (expires_at is not None and expires_at <= now)
    return ToldGrant(
        stripe_id=grant["id"],
        identifier=grant["metadata"].get(IDENTIFIER, ""),
        name=grant["name"] or "",
        amount_minor=monetary["value"],
        left_minor=0 if over else max(left, 0),
        currency=monetary["currency"],
        for_all_usage=grant["applicability_config"]["scope"].get("price_type") == "metered",
        begun=(grant["effective_at"] or grant["created"]) <= now.timestamp(),
        expires_at=expires_at,
        created_at=datetime.fromtimestamp(grant["created"], tz=UTC),
    )
