"""Meters, and the meter events that carry usage to Stripe."""

from datetime import UTC, datetime

from billing.stripe_billing.client import StripeRejected, client, translate_stripe_errors

DUPLICATE_IDENTIFIER = "An event already exists with identifier"


def send_meter_event(
    *,
    event_name: str,
    customer_id: str,
    value: int,
    identifier: str,
    occurred_at: datetime,
    idempotency_key: str = "",
) -> None:
    """Send tokens to a meter under an identifier that Stripe counts once. A duplicate refused is a success.

    The identifier serves as idempotency key where none is given, since the SDK would make a new one for every retry.
    Raises StripeUnavailable, StripeRejected.
    """
    try:
        with translate_stripe_errors():
            client().v1.billing.meter_events.create(
                {
                    "event_name": event_name,
                    "payload": {"stripe_customer_id": customer_id, "value": str(value)},
                    "identifier": identifier,
                    "timestamp": int(occurred_at.timestamp()),
                },
                {"idempotency_key": idempotency_key or identifier, "max_network_retries": 0},
            )
    except StripeRejected as error:
        if DUPLICATE_IDENTIFIER not in str(error):
            raise


def meter_total(*, meter_id: str, customer_id: str, starts_at: datetime, ends_at: datetime) -> int:
    """Return what a meter holds of a customer between two whole minutes, in tokens. Eventually consistent.

    Raises StripeUnavailable, StripeRejected.
    """
    with translate_stripe_errors():
        summaries = client().v1.billing.meters.event_summaries.list(
            meter_id,
            {"customer": customer_id, "start_time": int(starts_at.timestamp()), "end_time": int(ends_at.timestamp())},
        )
        return sum(int(summary.aggregated_value) for summary in summaries.auto_paging_iter())


def meter_totals_by_hour(
    *, meter_id: str, customer_id: str, starts_at: datetime, ends_at: datetime
) -> dict[datetime, int]:
    """Return what a meter holds of a customer in each UTC hour between two whole hours; hours of nothing are left out.

    Raises StripeUnavailable, StripeRejected.
    """
    if ends_at <= starts_at:
        return {}
    with translate_stripe_errors():
        summaries = client().v1.billing.meters.event_summaries.list(
            meter_id,
            {
                "customer": customer_id,
                "start_time": int(starts_at.timestamp()),
                "end_time": int(ends_at.timestamp()),
                "value_grouping_window": "hour",
                "limit": 100,
            },
        )
        return {
            datetime.fromtimestamp(summary.start_time, tz=UTC): int(summary.aggregated_value)
            for summary in summaries.auto_paging_iter()
        }


def meters_by_event_name() -> dict[str, str]:
    """Return the id of every active meter by its event name."""
    with translate_stripe_errors():
        meters = client().v1.billing.meters.list({"status": "active", "limit": 100})
        return {meter.event_name: meter.id for meter in meters.auto_paging_iter()}


def create_meter(*, event_name: str, display_name: str) -> str:
    """Create a meter that sums what customers use, and return its id."""
    with translate_stripe_errors():
        return (
            client()
            .v1.billing.meters.create(
                {
                    "event_name": event_name,
                    "display_name": display_name,
                    "default_aggregation": {"formula": "sum"},
                    "customer_mapping": {"type": "by_id", "event_payload_key": "stripe_customer_id"},
                    "value_settings": {"event_payload_key": "value"},
                }
            )
            .id
        )
