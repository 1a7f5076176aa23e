"""Stripe's reports of meter events that it took, and could not bill.

The reports are thin events, of which each is fetched
(docs.stripe.com/billing/subscriptions/usage-based/recording-usage#handle-errors). A report names five events of each
error at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.stripe_billing.client import client, translate_stripe_errors

TYPES = ["v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"]


@dataclass(frozen=True, slots=True)
class MeterError:
    """One error of a report: Stripe's code and words, how many events it struck, and the identifiers that are named."""

    reported_at: datetime
    code: str
    message: str
    events: int
    identifiers: tuple[str, ...]


def meter_errors_since(moment: datetime) -> list[MeterError]:
    """Return the errors that Stripe reported after a moment, oldest first. Raises StripeUnavailable, StripeRejected."""
    with translate_stripe_errors():
        params: Any = {"types": TYPES, "created": {"gt": moment.astimezone(UTC).isoformat()}, "limit": 100}
        ids = [event.id for event in client().v2.core.events.list(params).auto_paging_iter()]
        events = [client().v2.core.events.retrieve(event_id).to_dict() for event_id in reversed(ids)]
    return [error for event in events for error in _errors_of(event)]


def _errors_of(event: dict[str, Any]) -> Iterator[MeterError]:
    for kind in ((event.get("data") or {}).get("reason") or {}).get("error_types") or []:
        samples = kind.get("sample_errors") or []
        # The documentation shows either name.
        requests = [sample.get("request") or {} for sample in samples]
        named = [request.get("identifier") or request.get("idempotency_key") or "" for request in requests]
        yield MeterError(
            reported_at=_instant(event["created"]),
            code=str(kind.get("code") or ""),
            message=str(samples[0].get("error_message") or "") if samples else "",
            events=int(kind.get("error_count") or 0),
            identifiers=tuple(filter(None, named)),
        )


def _instant(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)
