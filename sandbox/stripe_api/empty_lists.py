"""Lists of objects that the sandbox never has, so that programs which read everything (`djstripe_sync_models`) find
nothing instead of an error. Their parameters are not checked, since none could change the answer.
"""

from __future__ import annotations

from sandbox.store import Json
from sandbox.stripe_api.protocol import lists
from sandbox.stripe_api.protocol.endpoint import UNCHECKED, endpoint
from sandbox.stripe_api.protocol.params import Params
from sandbox.stripe_api.protocol.world import World

PATHS = (
    "/v1/application_fees",
    "/v1/country_specs",
    "/v1/entitlements/active_entitlements",
    "/v1/entitlements/features",
    "/v1/file_links",
    "/v1/files",
    "/v1/identity/verification_reports",
    "/v1/identity/verification_sessions",
    "/v1/issuing/authorizations",
    "/v1/issuing/cardholders",
    "/v1/issuing/cards",
    "/v1/issuing/disputes",
    "/v1/issuing/transactions",
    "/v1/payouts",
    "/v1/quotes",
    "/v1/radar/early_fraud_warnings",
    "/v1/reviews",
    "/v1/shipping_rates",
    "/v1/subscription_schedules",
    "/v1/tax_codes",
    "/v1/tax_ids",
    "/v1/topups",
    "/v1/transfers",
)


def _register(path: str) -> None:
    @endpoint("GET", path, UNCHECKED)
    def list_none(world: World, params: Params) -> Json:
        return lists.empty(path)


for _path in PATHS:
    _register(_path)
