"""A check that Claude served a request as the plans sell it: its tier, its place, its speed and its model.

price_rules refuses the fields that ask for another. The operator's own account may still be set to one (a priority
tier, a default place), and Claude may change its defaults, so `usage` is read as well. Differences are discrepancies.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from billing.ledger.entries import Grant
from billing.metering.discrepancies import open_discrepancy
from billing.models import Discrepancy
from chat.lenient_json import objects_in
from common import background
from common.database import in_database

logger = logging.getLogger(__name__)

# Rounds of the request's own model. Other kinds are rounds of other models, which `usage` counts apart.
ITERATIONS_SOLD = frozenset({"message", "compaction"})
# The values that the plans sell, or the setting that lists them.
SOLD: Mapping[str, str | tuple[str, ...]] = {
    "service_tier": "CLAUDE_SERVICE_TIERS",
    "inference_geo": "CLAUDE_INFERENCE_GEOS",
    "speed": ("standard",),
}
# How long a process waits before it writes the same difference of an organization again.
SHOWN_AGAIN_AFTER_S = 3600.0

_shown_at: dict[tuple[int, str], float] = {}


def differences(usage: object) -> list[str]:
    """Return the parts of a `usage` object that the plans do not sell, each as `name: value`."""
    if not isinstance(usage, Mapping):
        return []
    found = [f"{name}: {_word(usage[name])}" for name in SOLD if usage.get(name) is not None and _differs(usage, name)]
    kinds = [each.get("type") for each in objects_in(usage.get("iterations"))]
    others = sorted({_word(kind) for kind in kinds if kind not in (None, *ITERATIONS_SOLD)})
    return found + [f"iterations: {kind}" for kind in others]


def show_differences(*, grant: Grant, usage: Mapping[str, Any]) -> None:
    """Log how a request was served otherwise than sold, and keep it where an operator sees it. Never raises."""
    for difference in differences(usage):
        logger.warning(
            "Claude served a request otherwise than it is sold",
            extra={"request_id": grant.request_id, "difference": difference},
        )
        key = (grant.record.organization_id, f"{grant.record.model} {difference}")
        if _shown_at.get(key, float("-inf")) + SHOWN_AGAIN_AFTER_S < time.monotonic():
            _shown_at[key] = time.monotonic()
            background.spawn(_keep(grant, subject=key[1]))


async def _keep(grant: Grant, *, subject: str) -> None:
    try:
        await in_database(
            lambda: open_discrepancy(
                organization_id=grant.record.organization_id,
                kind=Discrepancy.Kind.SERVED_OTHERWISE,
                subject=subject,
                detail=f"Last seen at request {grant.request_id}. Its price may not be the plan's.",
            )
        )
    except Exception:
        logger.exception("a difference could not be kept", extra={"request_id": grant.request_id})


def _differs(usage: Mapping[str, Any], name: str) -> bool:
    sold = SOLD[name]
    return usage[name] not in (getattr(settings, sold) if isinstance(sold, str) else sold)


def _word(value: object) -> str:
    return str(value)[:60]
