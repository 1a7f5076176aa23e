"""Imports every module that registers endpoints or due actions, so that the table is whole before it is used."""

from __future__ import annotations

from sandbox.stripe_api import (  # noqa: F401 - imported for what they register
    account,
    charges,
    checkout,
    credit_grants,
    customer_balance,
    customers,
    empty_lists,
    event_destinations,
    events,
    invoice_actions,
    invoice_drafts,
    invoice_items,
    invoices,
    meter_events,
    meters,
    payment_intents,
    payment_methods,
    portal_configurations,
    portal_sessions,
    previews,
    prices,
    products,
    renewals,
    setup_intents,
    subscription_items,
    subscription_updates,
    subscriptions,
    test_clocks,
    thin_events,
    v2_meter_events,
    webhook_endpoints,
)
from sandbox.stripe_api.server import StripeApi

__all__ = ["StripeApi"]
