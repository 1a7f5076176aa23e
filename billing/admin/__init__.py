"""The admin of plans and prices, of organizations, their keys and what they owe, of usage, and of what went wrong."""

from billing.admin import (
    accounts,
    api_keys,
    credit_grants,
    credit_notes,
    discrepancies,
    disputes,
    invoice_holds,
    late_usage,
    meter_events,
    notice_mails,
    organizations,
    plan_prices,
    plans,
    promotions,
    stripe_objects,
    usage,
)

__all__ = [
    "accounts",
    "api_keys",
    "credit_grants",
    "credit_notes",
    "discrepancies",
    "disputes",
    "invoice_holds",
    "late_usage",
    "meter_events",
    "notice_mails",
    "organizations",
    "plan_prices",
    "plans",
    "promotions",
    "stripe_objects",
    "usage",
]
